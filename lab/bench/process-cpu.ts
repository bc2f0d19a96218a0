import { readdirSync } from 'node:fs';
import { statusOf } from 'walpost/stack/process-table';
import { BenchError } from './measurement.ts';

/** Processor time, s. */
export interface CpuTime {
  user: number;
  system: number;
}

/** Linux reports it in hundredths of a second, whatever its clock is (proc_pid_stat(5), sysconf(_SC_CLK_TCK)). */
const TICKS_A_SECOND = 100;

/** Where proc_pid_stat(5) has what is used here, counted from the state, which follows the name in parentheses. */
const FIELDS = { parent: 1, user: [11, 13], system: [12, 14] } as const;

/**
 * What processes have used so far, each with all that it started, those that have ended included.
 *
 * @param pids by name
 * @throws {BenchError} there is no /proc here, or one of them is not running
 */
export function cpuTimes(pids: Readonly<Record<string, number | undefined>>): Record<string, CpuTime> {
  const children = new Map<number, number[]>();
  const own = new Map<number, CpuTime>();
  for (const [pid, fields] of statistics()) {
    const parent = Number(fields[FIELDS.parent]);
    children.set(parent, [...(children.get(parent) ?? []), pid]);
    const seconds = (at: readonly number[]) =>
      at.reduce((sum, field) => sum + Number(fields[field]), 0) / TICKS_A_SECOND;
    own.set(pid, { user: seconds(FIELDS.user), system: seconds(FIELDS.system) });
  }
  const ofTree = (pid: number): CpuTime =>
    (children.get(pid) ?? []).map(ofTree).reduce(add, own.get(pid) ?? { user: 0, system: 0 });
  return Object.fromEntries(
    Object.entries(pids).map(([name, pid]) => {
      if (pid === undefined || !own.has(pid)) throw new BenchError(`${name} is not running`);
      return [name, ofTree(pid)];
    }),
  );
}

const add = (a: CpuTime, b: CpuTime): CpuTime => ({ user: a.user + b.user, system: a.system + b.system });

/** The fields of every process; one that ends meanwhile is left out. */
function statistics(): [number, string[]][] {
  if (process.platform !== 'linux')
    throw new BenchError('Processor time by process is read from Linux’s /proc.');
  const pids = readdirSync('/proc').map(Number).filter(Number.isInteger);
  return pids.flatMap((pid): [number, string[]][] => {
    const fields = statusOf(pid);
    return fields ? [[pid, fields]] : [];
  });
}
