import { sql } from 'drizzle-orm';
import type { Db } from '../database.js';

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
}

/** Looks at the partitions of an outbox, without reading a row. */
export async function readOutbox(db: Db): Promise<OutboxState> {
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
      sum(pg_total_relation_size(oid))::float8 as bytes
    from parts`);
  if (!row) throw new Error('the outbox has no partition');
  return { ...row } as unknown as OutboxState;
}
