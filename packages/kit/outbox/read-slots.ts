import { sql } from 'drizzle-orm';
import type { Db } from '../postgres/database.ts';
import { milliseconds, type RowOf } from '../postgres/rows.ts';

/** A replication slot: how far the reader of a database's log has come, and what the server keeps for it. */
export interface Slot {
  readonly name: string;
  readonly active: boolean;
  /** `reserved`, `extended`, `unreserved`, or `lost`: then the slot is of no use any more. */
  readonly walStatus: string | null;
  readonly confirmedLsn: string | null;
  /** Bytes of log between what is confirmed and its end. */
  readonly lagBytes: number | null;
  /** Bytes of log that the server keeps because of the slot. */
  readonly retainedWalBytes: number | null;
  /** Bytes until the slot is given up; null when there is no limit. */
  readonly safeBytes: number | null;
  /** Since when nobody reads, ms since the epoch. */
  readonly inactiveSince: number | null;
}

/** The logical slots of the whole server, by name; any of its databases can show them. */
export async function readSlots(db: Db): Promise<Slot[]> {
  const rows = await db.execute<RowOf<Slot>>(sql`
    select slot_name as name, active, wal_status as "walStatus", confirmed_flush_lsn::text as "confirmedLsn",
      pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn)::float8 as "lagBytes",
      pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::float8 as "retainedWalBytes",
      safe_wal_size::float8 as "safeBytes", ${milliseconds('inactive_since')} as "inactiveSince"
    from pg_replication_slots where slot_type = 'logical' order by slot_name`);
  return [...rows];
}
