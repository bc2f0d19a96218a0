import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { codeOf } from './stack-error.ts';

/** A process as it can be distinguished from a later one that was given the same number. */
export interface ProcessRecord {
  name: string;
  pid: number;
  /** When it started, as the system reports it; comparable with itself only. */
  started: string;
}

/** When the process with this number started; undefined if there is none or it is a zombie. */
export function startOf(pid: number): string | undefined {
  return process.platform === 'linux' ? startFromProc(pid) : startFromPs(pid);
}

function startFromProc(pid: number): string | undefined {
  const fields = statusOf(pid);
  if (fields === undefined || fields[0] === 'Z' || fields[0] === 'X') return undefined;
  // Ticks since boot say nothing across a reboot without the boot's own id.
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return `${boot} ${fields[19]}`;
}

/** The fields of Linux's /proc/<pid>/stat (proc_pid_stat(5)) from the state on; undefined if there is no such process. */
export function statusOf(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command's name is in parentheses and may hold anything, so fields are counted after the last one.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ESRCH') return undefined;
    throw error;
  }
}

function startFromPs(pid: number): string | undefined {
  try {
    const [state, ...started] = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
    })
      .trim()
      .split(/\s+/);
    return !state || state.startsWith('Z') ? undefined : started.join(' ');
  } catch {
    return undefined; // ps answers 1 when there is no such process
  }
}

export function recordOf(name: string, pid: number): ProcessRecord | undefined {
  const started = startOf(pid);
  return started === undefined ? undefined : { name, pid, started };
}

/** Whether the very process that was recorded still runs. */
export function stillRuns(record: ProcessRecord): boolean {
  return startOf(record.pid) === record.started;
}

export function isAlive(pid: number): boolean {
  return startOf(pid) !== undefined;
}

/** Sends a signal to a process, or with a negative number to its group; one that is gone is no error. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // macOS answers EPERM for a group of which only a zombie is left.
    if (codeOf(error) === 'ESRCH' || (pid < 0 && codeOf(error) === 'EPERM')) return;
    throw error;
  }
}

/** Ends recorded processes that still run: politely, and after the grace by SIGKILL of their groups. */
export async function endProcesses(records: readonly ProcessRecord[], graceSeconds: number): Promise<void> {
  const running = records.filter(stillRuns);
  for (const { pid, name } of running) sendSignal(pid, name === 'postgres' ? 'SIGINT' : 'SIGTERM');
  const deadline = Date.now() + graceSeconds * 1000;
  while (running.some(stillRuns) && Date.now() < deadline) await wait(50);
  for (const record of running) if (stillRuns(record)) sendSignal(-record.pid, 'SIGKILL');
  const killed = Date.now() + 5000;
  while (running.some(stillRuns)) {
    if (Date.now() > killed) throw new Error(`Process ${running.find(stillRuns)?.pid} does not end`);
    await wait(20);
  }
}
