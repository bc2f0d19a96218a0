import { sql } from 'drizzle-orm';
import type { BacklogRow, Observed } from './observed-service.js';

/** Rows ever inserted, by what they are; two readings and the time between them give a rate. */
export interface Counters {
  /** Events written into the outbox; null for a service that has none. */
  readonly outbox: number | null;
  /** Events handled, by the inbox. */
  readonly inbox: number;
  readonly effects: number;
  readonly backlog: BacklogRow | null;
  /** Work that was refused for good, and the command that has it tried again; null when there is none. */
  readonly refused: { readonly count: number; readonly label: string; readonly retry: string } | null;
}

/**
 * Reads the inserts that Postgres counts by itself, without touching a table. The counts follow a commit within a
 * second or so, and a restored or crashed server begins again at 0.
 */
export async function readCounters({ service, db }: Observed): Promise<Counters> {
  const { effect, publishes, backlog } = service;
  const rows = await db.execute<{ name: string; inserts: number }>(sql`
    select case when relname like 'outbox%' then 'outbox' else relname end as name,
      sum(n_tup_ins)::float8 as inserts
    from pg_stat_user_tables where schemaname = 'public' and (
      relname in ('inbox', ${effect.table}) or relname ~ '^outbox(_default|_[0-9]{8})$') group by 1`);
  const inserts = new Map(rows.map((row) => [row.name, row.inserts]));
  const [waiting] = backlog ? await db.execute<Record<keyof BacklogRow, unknown>>(backlog.query) : [];
  const row = waiting as BacklogRow | undefined;
  return {
    outbox: publishes ? (inserts.get('outbox') ?? 0) : null,
    inbox: inserts.get('inbox') ?? 0,
    effects: inserts.get(effect.table) ?? 0,
    backlog: row ? { count: row.count, oldest: row.oldest } : null,
    refused:
      row?.refused && backlog?.retry
        ? { count: row.refused, label: effect.label, retry: backlog.retry }
        : null,
  };
}
