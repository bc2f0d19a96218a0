import { sql } from 'drizzle-orm';
import type { Db } from '../postgres/database.ts';
import { every } from '../schedule.ts';
import type { Logger } from '../telemetry/logger.ts';

const DAYS_AHEAD = 14;
const EVERY_HOUR = 3_600_000;
const EVERY_FEW_SECONDS = 5_000;

/**
 * Makes the outbox partitions of the coming two weeks. While it cannot, rows go to the default partition: none is
 * refused.
 *
 * @returns how many it made
 */
export async function makePartitions(db: Db): Promise<number> {
  const [row] = await db.execute<{ made: number }>(sql`select outbox_make_partitions(${DAYS_AHEAD}) as made`);
  return row?.made ?? 0;
}

/**
 * Drops outbox partitions of days that ended longer ago than `keepDays` and that every slot has confirmed. The first
 * call only looks how far the slots are; a later one drops what they had confirmed then, if they have moved on since.
 *
 * @returns how many it dropped
 */
export async function dropPartitions(db: Db, keepDays: number): Promise<number> {
  const [row] = await db.execute<{ dropped: number }>(
    sql`select outbox_drop_partitions(${keepDays}) as dropped`,
  );
  return row?.dropped ?? 0;
}

/** Notes which position of the log belongs to this moment: it shows which rows a confirmed position covers. */
export async function markPosition(db: Db): Promise<void> {
  await db.execute(sql`select outbox_mark()`);
}

/**
 * Maintains a service's outbox: partitions ahead, none kept for longer than they are needed, and the marks that show
 * which rows a slot has confirmed. Every instance does it; the database's advisory locks let one at a time.
 *
 * @param keepDays how many days a confirmed partition is kept
 * @returns stops it
 */
export function maintainOutbox(db: Db, keepDays: number, logger: Logger): () => Promise<void> {
  const stops = [
    every(EVERY_FEW_SECONDS, 'mark the position of the outbox', logger, () => markPosition(db)),
    every(EVERY_HOUR, 'make and drop outbox partitions', logger, async () => {
      const made = await makePartitions(db);
      const dropped = await dropPartitions(db, keepDays);
      if (made > 0 || dropped > 0) logger.info({ made, dropped }, 'outbox partitions made and dropped');
    }),
  ];
  return async () => {
    await Promise.all(stops.map((stop) => stop()));
  };
}
