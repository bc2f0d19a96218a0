import type { Db } from '@walpost/kit/postgres/database';
import { milliseconds, type RowOf } from '@walpost/kit/postgres/rows';
import { sql } from 'drizzle-orm';

/** What an outbox keeps. */
export interface OutboxState {
  /** Of days, the default one not counted. */
  readonly partitions: number;
  /** The first and last day that has one, e.g. `2026-11-25`; null when there is none. */
  readonly firstDay: string | null;
  readonly lastDay: string | null;
  /** As the server estimates them; exact within a second or so after a commit. */
  readonly rows: number;
  /** Of them, those that no daily partition took. */
  readonly strayRows: number;
  /** On the disk, indexes and all. */
  readonly bytes: number;
  /** When the oldest row was written that the slot has not confirmed, ms since the epoch; null when there is none. */
  readonly oldestUnconfirmed: number | null;
}

/** Looks at the partitions of an outbox, and which of its rows a slot has confirmed, without counting them. */
export async function readOutbox(db: Db, slot: string): Promise<OutboxState> {
  const [row] = await db.execute<RowOf<OutboxState>>(sql`
    select count(day)::int as partitions, min(day)::text as "firstDay", max(day)::text as "lastDay",
      sum(rows)::float8 as rows, coalesce(sum(rows) filter (where day is null), 0)::float8 as "strayRows",
      sum(bytes)::float8 as bytes,
      (select ${milliseconds('oldest')} from observer.unconfirmed() where slot = ${slot}) as "oldestUnconfirmed"
    from observer.outbox_partitions()`);
  if (!row) throw new Error('Postgres gave no row for an aggregate');
  return row;
}

/** The days that have a partition, e.g. `2026-11-25`, the first one first. */
export async function readDailyPartitions(db: Db): Promise<string[]> {
  const rows = await db.execute<{ day: string }>(
    sql`select day::text from observer.outbox_partitions() where day is not null order by day`,
  );
  return rows.map(({ day }) => day);
}
