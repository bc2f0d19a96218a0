import { parseArgs } from 'node:util';
import { CliError } from '../cli-error.ts';
import { loadProject } from '../project.ts';
import { formerSecrets, secretNames } from './secrets.ts';
import { keepSecrets, readKept, shareSecrets } from './share-secrets.ts';
import { messageOf, StackError } from './stack-error.ts';

/**
 * The secrets of docker compose, in a volume.
 *
 *   node compose-secrets.js FOLDER make [--secured]   makes what is missing, and gives each program its own
 *   node compose-secrets.js FOLDER show [NAME]        prints all as lines of an .env, or one alone
 */
async function main(): Promise<void> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { secured: { type: 'boolean', default: false } },
  });
  const [folder = '', command, wanted] = positionals;
  const { system } = await loadProject(process.cwd());
  if (command === 'make') {
    const { kept, ignored } = await keepSecrets(system, folder, process.env);
    await shareSecrets(system, folder, kept, values.secured);
    if (ignored.length === 0) return;
    console.log(
      `Of .env these are other than what the data was made with, which stays in use: ${ignored.join(', ')}. To change one, take the old one away, \`docker compose run --rm --entrypoint rm secrets /secrets/kept/${ignored[0]}\`, and then \`docker compose up --wait --force-recreate\`.`,
    );
  } else if (command === 'show') {
    const kept = await readKept(system, folder);
    const names = secretNames(system);
    const name = names.find((one) => one === (formerSecrets[wanted ?? ''] ?? wanted));
    if (wanted && !name) throw new StackError(`There is no ${wanted}; there are ${names.join(', ')}.`);
    console.log(name ? kept[name] : names.map((one) => `${one}=${kept[one]}`).join('\n'));
  } else throw new StackError('usage: docker compose run --rm secrets make | show [NAME]');
}

await main().catch((error: unknown) => {
  console.error(
    error instanceof StackError || error instanceof CliError ? error.message : `secrets: ${messageOf(error)}`,
  );
  process.exitCode = 1;
});
