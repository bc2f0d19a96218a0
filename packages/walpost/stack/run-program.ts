import { spawn } from 'node:child_process';
import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import pTimeout from 'p-timeout';
import type { Launch } from './child.ts';
import type { Lock } from './lock.ts';
import { recordOf, sendSignal } from './process-table.ts';

/** What a program that runs once said and how it ended; code is null when a signal ended it. */
export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

const graceSeconds = 5;

/**
 * Runs a program to its end, in a process group of its own. An abort ends it, by SIGKILL if it must be.
 * Its output is also appended to the log, if one is named. Throws when it cannot be started.
 */
export async function runProgram(
  name: string,
  launch: Launch,
  { lock, signal, logPath }: { lock: Lock; signal: AbortSignal; logPath?: string },
): Promise<Outcome> {
  signal.throwIfAborted();
  const child = spawn(launch.command, launch.args, {
    cwd: launch.cwd,
    env: launch.env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const outcome: Outcome = { code: null, stdout: '', stderr: '' };
  if (logPath) mkdirSync(dirname(logPath), { recursive: true });
  const keep = (stream: 'stdout' | 'stderr') => (text: string) => {
    outcome[stream] += text;
    if (logPath) appendFileSync(logPath, text);
  };
  child.stdout.setEncoding('utf8').on('data', keep('stdout'));
  child.stderr.setEncoding('utf8').on('data', keep('stderr'));
  const { pid } = child;
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (pid === undefined) {
    await ended;
    throw new Error(`${launch.command} did not start`);
  }
  const record = recordOf(name, pid);
  if (record) lock.add(record);
  const stop = async () => {
    sendSignal(pid, 'SIGTERM');
    await pTimeout(ended, { milliseconds: graceSeconds * 1000, message: false });
    sendSignal(-pid, 'SIGKILL');
  };
  signal.addEventListener('abort', stop, { once: true });
  try {
    outcome.code = await ended;
  } finally {
    signal.removeEventListener('abort', stop);
    lock.remove(pid);
  }
  return outcome;
}
