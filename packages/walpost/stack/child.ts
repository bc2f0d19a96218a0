import { spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import pTimeout from 'p-timeout';
import type { Lock } from './lock.ts';
import { type LogFile, openLog } from './log-file.ts';
import { recordOf, sendSignal } from './process-table.ts';
import type { Settings } from './settings.ts';

/** How a program is started. */
export interface Launch {
  command: string;
  args: readonly string[];
  env: Settings;
  cwd: string;
}

/** A program that was started, in a process group of its own, writing to its log. */
export interface Child {
  pid: number;
  log: LogFile;
  /** Settles when it has ended, with how: `exit 1` or `signal SIGKILL`. */
  exited: Promise<string>;
  /** Aborted when it has ended. */
  gone: AbortSignal;
}

/**
 * Starts a program detached, so that Ctrl-C in the terminal reaches the launcher alone, which then stops
 * things in their order. Throws when it cannot be started.
 */
export async function startChild(name: string, launch: Launch, logPath: string, lock: Lock): Promise<Child> {
  const log = openLog(logPath);
  const child = spawn(launch.command, launch.args, {
    cwd: launch.cwd,
    env: launch.env,
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
  });
  closeSync(log.fd);
  const { pid } = child;
  if (pid === undefined) {
    throw await new Promise<Error>((resolve) => child.once('error', resolve));
  }
  const record = recordOf(name, pid);
  if (record) lock.add(record);
  const gone = new AbortController();
  const exited = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => {
      gone.abort();
      resolve(signal ? `signal ${signal}` : `exit ${code}`);
      lock.remove(pid);
    });
  });
  return { pid, log, exited, gone: gone.signal };
}

/** Ends a child: the signal, a bounded wait, then SIGKILL for what is left of its group. */
export async function endChild(child: Child, signal: NodeJS.Signals, graceSeconds: number): Promise<void> {
  if (!child.gone.aborted) {
    sendSignal(child.pid, signal);
    sendSignal(child.pid, 'SIGCONT'); // one that a test has paused cannot end
    await pTimeout(child.exited, { milliseconds: graceSeconds * 1000, message: false });
  }
  sendSignal(-child.pid, 'SIGKILL');
  await child.exited;
}
