import { spawnSync } from 'node:child_process';
import type { Stack } from 'walpost/stack/running-stack';
import { eventually } from './eventually.ts';
import type { Times } from './inflict.ts';

/** How long a part may take to serve again, s. */
const TIMEOUT_S = 240;

/** Ends a part and waits until the launcher has it serving again. */
export async function endPart(stack: Stack, part: string, signal: NodeJS.Signals): Promise<Times> {
  const pid = await pidOf(stack, part);
  const from = Date.now();
  await stack.kill(part, signal);
  await eventually(`${part} after ${signal}`, TIMEOUT_S, async () => {
    const now = stack.pid(part);
    return now !== undefined && now !== pid ? now : undefined;
  });
  await stack.ready(part);
  return { from, to: Date.now() };
}

/** The process of a part, as soon as it serves. */
export async function pidOf(stack: Stack, part: string): Promise<number> {
  return eventually(`${part} to run`, TIMEOUT_S, async () => {
    await stack.ready(part);
    return stack.pid(part);
  });
}

/** A process and all that descend from it; Postgres has one for each connection. */
export function processesOf(pid: number, table = processTable()): number[] {
  const found = [pid];
  for (const parent of found)
    for (const [child = 0, of] of table) if (of === parent && child > 0) found.push(child);
  return found;
}

/** Every process of the machine, with its parent. */
export function processTable(): number[][] {
  const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' });
  return stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));
}

/** Sends a signal to processes, those that have ended left out. */
export function signalAll(processes: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of processes) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      // A connection of Postgres may have ended meanwhile.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}
