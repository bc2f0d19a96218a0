import { sql } from 'drizzle-orm';
import type { Db } from '../postgres/database.ts';
import { inbox } from '../postgres/tables.ts';
import { every } from '../schedule.ts';
import type { Logger } from '../telemetry/logger.ts';

const EVERY_HOUR = 3_600_000;

/**
 * How many pages of the table one statement goes through, 1.6 MB: it takes milliseconds, so consumers never wait for it,
 * and no longer in a table of a hundred gigabytes. An index on received_at would save reading the table once a day, at
 * the price of one more entry for every event; the BRIN that is there cannot help, because pages are used again.
 */
const PAGES = 200;

/**
 * Removes inbox rows that were last received before the retention. The retention must be longer than the topics': a
 * record that can still be read again must still be known. It is counted in days on which somebody looked after the
 * inbox, so that a clock that jumps ahead makes nothing older than one day more.
 *
 * @returns how many rows were removed
 */
export async function pruneInbox(db: Db, retentionDays: number, signal: AbortSignal): Promise<number> {
  const [kept] = await db.execute<{ since: string; pages: number }>(sql`
    select (day::timestamp at time zone 'UTC')::text as since,
      (pg_relation_size('inbox') / current_setting('block_size')::int)::int as pages
    from inbox_days where day < (now() at time zone 'UTC')::date
    order by day desc offset ${retentionDays - 1}::int limit 1`);
  if (!kept) return 0;
  let removed = 0;
  for (let page = 0; page < kept.pages && !signal.aborted; page += PAGES) {
    const { count } = await db.execute(removePages(page, kept.since));
    removed += count;
  }
  return removed;
}

/** The statement that removes what is old from some pages, from the given one on. */
export function removePages(page: number, before: string) {
  return sql`delete from ${inbox}
    where ctid >= ${`(${page},0)`}::tid and ctid < ${`(${page + PAGES},0)`}::tid
      and ${inbox.receivedAt} < ${before}::timestamptz`;
}

/**
 * Removes old inbox rows once a day, by whichever instance is first, and again when the retention has changed.
 *
 * @returns stops it
 */
export function keepInboxPruned(db: Db, retentionDays: number, logger: Logger): () => Promise<void> {
  const stopping = new AbortController();
  const stop = every(EVERY_HOUR, 'remove old inbox rows', logger, async () => {
    if (!(await claimToday(db, retentionDays))) return;
    const removed = await pruneInbox(db, retentionDays, stopping.signal);
    if (removed > 0) logger.info({ removed }, 'old inbox rows removed');
  });
  return () => {
    stopping.abort();
    return stop();
  };
}

/** Notes that today was seen. @returns whether nobody has removed rows with this retention today */
export async function claimToday(db: Db, retentionDays: number): Promise<boolean> {
  const { count } = await db.execute(sql`
    insert into inbox_days (day, kept_days) values ((now() at time zone 'UTC')::date, ${retentionDays}::int)
    on conflict (day) do update set kept_days = excluded.kept_days
      where inbox_days.kept_days is distinct from excluded.kept_days`);
  return count > 0;
}
