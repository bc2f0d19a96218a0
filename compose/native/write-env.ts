import { chown, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { makeEnvFile } from './env-file.js';
import { messageOf } from './stack-error.js';

const [folder = '.'] = process.argv.slice(2);

/** Writes .env with generated passwords into a clone, for docker compose; `npm start` does it by itself. */
async function main(): Promise<void> {
  const file = join(folder, '.env');
  const made = await makeEnvFile(file, join(folder, '.env.example'));
  if (made && process.getuid?.() === 0) {
    // In a container it is root that writes, and the file is readable by its owner only.
    const { uid, gid } = await stat(folder);
    await chown(file, uid, gid);
  }
  console.log(made ? 'Wrote .env with generated passwords.' : 'There is an .env; nothing was changed.');
}

await main().catch((error: unknown) => {
  console.error(`.env could not be written: ${messageOf(error)}`);
  process.exitCode = 1;
});
