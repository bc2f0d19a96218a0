import { sql } from 'drizzle-orm';
import type { Db } from '../database.js';
import { MILLISECONDS } from './observed-service.js';

/** What an outbox keeps. */
export interface OutboxState {
  /** Of days, the default one not counted. */
  readonly partitions: number;
  /** The first and last day that has one, e.g. `2026-11-25`; null when there is none. */
  readonly firstDay: string | null;
  readonly lastDay: string | null;
  /** As the server estimates them; exact within a second or so after a commit. */
  readonly rows: number;
  /** Of them, those that no day's partition took. */
  readonly strayRows: number;
  /** On the disk, indexes and all. */
  readonly bytes: number;
  /** When the oldest row was written that the slot has not confirmed, ms since the epoch; null when there is none. */
  readonly oldestUnconfirmed: number | null;
}

/** Looks at the partitions of an outbox, and which of its rows a slot has confirmed, without counting them. */
export async function readOutbox(db: Db, slot: string): Promise<OutboxState> {
  const [row] = await db.execute<Record<keyof OutboxState, unknown>>(sql`
    with parts as (
      select c.oid, c.relname, c.relname <> 'outbox_default' as of_a_day,
        greatest(pg_stat_get_live_tuples(c.oid), c.reltuples)::float8 as rows
      from pg_inherits join pg_class c on c.oid = inhrelid where inhparent = 'outbox'::regclass
    )
    select count(*) filter (where of_a_day)::int as partitions,
      to_date(right(min(relname) filter (where of_a_day), 8), 'YYYYMMDD')::text as "firstDay",
      to_date(right(max(relname) filter (where of_a_day), 8), 'YYYYMMDD')::text as "lastDay",
      sum(rows) as rows, coalesce(sum(rows) filter (where not of_a_day), 0) as "strayRows",
      sum(pg_total_relation_size(oid))::float8 as bytes,
      (select ${sql.raw(MILLISECONDS('oldest'))} from outbox_pending() where slot = ${slot}) as "oldestUnconfirmed"
    from parts`);
  if (!row) throw new Error('the outbox has no partition');
  return { ...row } as unknown as OutboxState;
}

/** The days that have a partition, e.g. `2026-11-25`, the first one first. */
export async function readOutboxDays(db: Db): Promise<string[]> {
  const rows = await db.execute<{ day: string }>(sql`
    select to_date(right(relname, 8), 'YYYYMMDD')::text as day from pg_inherits join pg_class c on c.oid = inhrelid
    where inhparent = 'outbox'::regclass and relname <> 'outbox_default' order by 1`);
  return rows.map(({ day }) => day);
}
