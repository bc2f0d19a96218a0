import { randomBytes } from 'node:crypto';
import { appendFile, chmod, readFile, writeFile } from 'node:fs/promises';
import { parseEnv } from 'node:util';
import type { System } from '@walpost/kit/config';
import { requiredSecrets, secretNames, withFormerSecrets } from './secrets.ts';
import type { Environment } from './settings.ts';
import { codeOf } from './stack-error.ts';

/** A random, URL-safe value. */
export function makeSecret(): string {
  return randomBytes(18).toString('base64url');
}

/** The example with a random value for every `…_PASSWORD=` and `…_TOKEN=` that has none. */
export function withPasswords(example: string, random = makeSecret): string {
  return example.replace(/^(\w+_(?:PASSWORD|TOKEN))=$/gm, (_line, name: string) => `${name}=${random()}`);
}

/**
 * Writes an .env with generated passwords, readable by its owner only, of the example if there is one. To one that is there,
 * which may hold a port and nothing else, it adds those that it lacks, and takes it from everybody else.
 *
 * @param env what is set in the environment needs no line
 * @returns what it did
 */
export async function makeEnvFile(
  system: System,
  file: string,
  exampleFile: string,
  env: Environment,
): Promise<'made' | 'completed' | 'kept'> {
  const there = await readUnlessMissing(file);
  const text = there ?? withPasswords((await readUnlessMissing(exampleFile)) ?? '');
  const given: Environment = withFormerSecrets({ ...parseEnv(text), ...env });
  // An empty CONSOLE_TOKEN says something; a password without which nothing starts does not.
  const required = requiredSecrets(system);
  const lacking = secretNames(system).filter((name) =>
    required.includes(name) ? !given[name] : given[name] === undefined,
  );
  if (there !== undefined && lacking.length === 0) return 'kept';
  const lines = lacking.map((name) => `${name}=${makeSecret()}\n`).join('');
  const added = text === '' || text.endsWith('\n') ? lines : `\n${lines}`;
  if (there === undefined) {
    await writeFile(file, text + added, { flag: 'wx', mode: 0o600 });
    return 'made';
  }
  // Before there is a password in it.
  await chmod(file, 0o600);
  await appendFile(file, added);
  return 'completed';
}

async function readUnlessMissing(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
