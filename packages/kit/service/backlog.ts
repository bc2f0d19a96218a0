import { sql } from 'drizzle-orm';
import type { Db } from '../postgres/database.ts';
import { milliseconds, type RowOf } from '../postgres/rows.ts';
import { gauge, onScrape, secondsSince } from '../telemetry/metrics.ts';

/** How much waits, and since when the oldest does. */
export interface BacklogRow {
  readonly count: number;
  readonly oldest: number | null;
  /** How much was refused for good, and is tried again only when a person says so. */
  readonly refused: number;
}

/** What a service still has to do by itself; null for one that has nothing of the kind. */
export async function readBacklog(db: Db): Promise<BacklogRow | null> {
  const [row] = await db.execute<RowOf<BacklogRow>>(sql`
    select waiting as count, ${milliseconds('oldest')} as oldest, refused from observer.backlog()`);
  return row ?? null;
}

const waiting = gauge(
  'walpost_work_waiting',
  'Work that waits to be done outside the database.',
  'database',
  'work',
);
const refused = gauge(
  'walpost_work_refused',
  'Work that was refused outside the database for good, and waits for a person.',
  'database',
  'work',
);
const oldestWaiting = gauge(
  'walpost_work_oldest_seconds',
  'Age of the oldest work that waits; 0 when none does.',
  'database',
  'work',
);

/**
 * Reads what waits when somebody scrapes.
 *
 * @param work what it is, e.g. `labels`: the value of the label `work`
 * @returns stops it
 */
export function exposeBacklog(db: Db, database: string, work: string): () => void {
  return onScrape(
    `backlog ${database}`,
    () => readBacklog(db),
    (backlog) => {
      for (const each of [waiting, refused, oldestWaiting]) each.reset();
      if (!backlog) return;
      waiting.set({ database, work }, backlog.count);
      refused.set({ database, work }, backlog.refused);
      oldestWaiting.set({ database, work }, secondsSince(backlog.oldest));
    },
  );
}
