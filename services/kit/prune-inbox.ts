import { sql } from 'drizzle-orm';
import type { Db } from './database.js';
import { inbox } from './tables.js';

/** How many rows one statement removes: small enough that consumers never wait for it. */
const STEP = 5_000;

/**
 * Removes inbox rows that are older than the retention, in small steps. The retention must be longer than the topic's:
 * a record that can still be read again must still be known.
 *
 * @returns how many rows were removed
 */
export async function pruneInbox(db: Db, retentionDays: number, signal: AbortSignal): Promise<number> {
  let removed = 0;
  while (!signal.aborted) {
    const { count } = await db.execute(sql`
      delete from ${inbox} where ctid = any(array(
        select ctid from ${inbox} where ${inbox.receivedAt} < now() - make_interval(days => ${retentionDays}::int)
        limit ${STEP}))`);
    removed += count;
    if (count < STEP) break;
  }
  return removed;
}
