import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { type Check, ok } from '../check.ts';
import { programOf } from '../program-of.ts';

const PROGRAM = programOf('stack/show-machine');

/** What the system needs of this machine, as the program says that runs it here. */
export async function checkMachine(env: NodeJS.ProcessEnv): Promise<Check[]> {
  // In an image of the command line it is not there, and what runs the system is on another machine.
  if (!existsSync(PROGRAM)) return [ok('Node', process.versions.node)];
  const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM], { env, timeout: 60_000 });
  return JSON.parse(stdout) as Check[];
}
