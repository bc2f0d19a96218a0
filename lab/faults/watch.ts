import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type postgres from 'postgres';
import { isAway, type Lab } from './lab.ts';
import { processesOf, processTable } from './parts.ts';
import { parts, services } from './plan.ts';

/** What could grow without end, at one moment; bytes. */
export interface Sample {
  /** ms since the epoch. */
  readonly at: number;
  /** Memory that a part's processes have to themselves; without those that are down just now. */
  readonly memory: Readonly<Record<string, number>>;
  /** Without an answer of the database: it is down just now. */
  readonly stored: Stored | undefined;
}

interface Stored {
  /** Write-ahead log that the slots keep from being removed. */
  readonly log: number;
  readonly outbox: number;
  readonly inbox: number;
}

const EVERY_MS = 10_000;

/** Looks at the system now and then until it is told to stop. */
export function startWatch(lab: Lab): { samples: readonly Sample[]; stop(): Promise<void> } {
  const samples: Sample[] = [];
  const end = new AbortController();
  const watching = (async () => {
    while (!end.signal.aborted) {
      samples.push({ at: Date.now(), memory: memoryOf(lab), stored: await storedIn(lab) });
      await delay(EVERY_MS, undefined, { signal: end.signal }).catch(() => undefined);
    }
  })();
  // Whoever stops it hears of an error. Until then Node would end the process for it, and leave the system behind.
  watching.catch(() => undefined);
  return {
    samples,
    stop: () => {
      end.abort();
      return watching;
    },
  };
}

function memoryOf({ stack }: Lab): Record<string, number> {
  const found: Record<string, number> = {};
  // Once for all: the links of the lab are stalled meanwhile.
  const table = processTable();
  for (const part of parts) {
    const pid = stack.pid(part);
    if (pid !== undefined)
      found[part] = processesOf(pid, table).reduce((sum, each) => sum + anonymous(each), 0);
  }
  return found;
}

/** Linux counts here what is not shared and not read from a file, kB (proc_pid_status(5)). */
function anonymous(pid: number): number {
  try {
    const [, kilobytes] = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return Number(kilobytes ?? 0) * 1024;
  } catch (error) {
    // It has ended since.
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return 0;
    throw error;
  }
}

async function storedIn({ databases }: Lab): Promise<Stored | undefined> {
  const size = (sql: postgres.Sql, table: string) => sql<{ bytes: number }[]>`
    select coalesce(sum(pg_total_relation_size(relid)), pg_total_relation_size(${table}))::float8 as bytes
      from pg_partition_tree(${table})`;
  try {
    const [slots] = await databases.order<{ bytes: number }[]>`
      select coalesce(max(pg_current_wal_lsn() - restart_lsn), 0)::float8 as bytes from pg_replication_slots`;
    const of = async (table: string, owners: readonly (typeof services)[number][]) => {
      const sizes = await Promise.all(owners.map((each) => size(databases[each], table)));
      return sizes.flat().reduce((sum, { bytes }) => sum + bytes, 0);
    };
    return {
      log: slots?.bytes ?? 0,
      outbox: await of('outbox', ['order', 'payment', 'inventory']),
      inbox: await of('inbox', services),
    };
  } catch (error) {
    if (isAway(error)) return undefined;
    throw error;
  }
}
