import { sql } from 'drizzle-orm';
import { every } from '../schedule.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Db } from './database.ts';

/** How often the clocks are compared, ms. */
const COMPARE_EVERY = 10_000;
/** A smaller difference is the way to the server and back, and counts as none, ms. */
const TOLERANCE = 1_000;

export interface DatabaseClock {
  /** The time as all processes of a service see it. */
  now(): Date;
  /** Compares with the server now. @throws the driver's error when it is away */
  compare(): Promise<void>;
  close(): Promise<void>;
}

/**
 * The clock that processes share: this machine's, set right when it is more than a second off the database server's.
 * Leases and deadlines are written by one process and read by another, so a process with a wrong clock would otherwise
 * give everything up as overdue, or put work off by an hour.
 */
export function followDatabaseClock(db: Db, logger: Logger, local: () => number = Date.now): DatabaseClock {
  let offset = 0;
  async function compare(): Promise<void> {
    const asked = local();
    const [row] = await db.execute<{ now: number }>(
      sql`select (extract(epoch from clock_timestamp()) * 1000)::float8 as now`,
    );
    const answered = local();
    // An answer that took long says little about when it was given.
    if (!row || answered - asked > TOLERANCE) return;
    const difference = Math.round(row.now - (asked + answered) / 2);
    const next = Math.abs(difference) > TOLERANCE ? difference : 0;
    if (Math.abs(next - offset) <= TOLERANCE) return;
    offset = next;
    if (next === 0) logger.info("this machine's clock agrees with the database's again");
    else logger.warn({ difference }, "this machine's clock is off, the database's is used");
  }
  return {
    now: () => new Date(local() + offset),
    compare,
    close: every(COMPARE_EVERY, "compare this machine's clock with the database's", logger, compare),
  };
}
