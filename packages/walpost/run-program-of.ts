import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { programOf } from './program-of.ts';

/** How often to look whether npm is still there, ms. */
const LOOK = 250;

/**
 * Runs another program of this package to its end, with this terminal and the signals that come here. A signal to npm alone
 * ends npm and its shell, and not us: their end is taken for one.
 *
 * @returns its exit code; null when a signal ended it
 */
export async function runProgramOf(name: string, args: readonly string[] = []): Promise<number | null> {
  const child = spawn(process.execPath, [programOf(name), ...args], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  const parent = process.ppid;
  const look = setInterval(() => {
    if (process.env['npm_execpath'] && process.ppid !== parent) child.kill('SIGTERM');
  }, LOOK);
  const [code] = (await once(child, 'exit')) as [number | null];
  clearInterval(look);
  return code;
}
