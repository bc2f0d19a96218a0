import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Check, ok } from '../check.ts';

const PROGRAM = fileURLToPath(new URL('../../../dist/stack/show-machine.js', import.meta.url));

/** What the system needs of this machine, as the program says that runs it here. */
export async function checkMachine(env: NodeJS.ProcessEnv): Promise<Check[]> {
  // In an image of the command line it is not there, and what runs the system is on another machine.
  if (!existsSync(PROGRAM)) return [ok('Node', process.versions.node)];
  const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM], { env, timeout: 60_000 });
  return JSON.parse(stdout) as Check[];
}
