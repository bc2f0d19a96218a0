import { sql } from 'drizzle-orm';
import type { Db } from '../postgres/database.ts';
import { milliseconds, type RowOf } from '../postgres/rows.ts';

/** How many dead letters are open, of how many keys, and since when the oldest is, ms since the epoch. */
export interface DeadLetterCounts {
  readonly dead: number;
  readonly parked: number;
  readonly keys: number;
  readonly oldest: number | null;
}

/** Counts the open dead letters, without reading them. */
export async function countDeadLetters(db: Db): Promise<DeadLetterCounts> {
  const [row] = await db.execute<RowOf<DeadLetterCounts>>(
    sql`select dead, parked, keys, ${milliseconds('oldest')} as oldest from observer.dead_letter_counts()`,
  );
  if (!row) throw new Error('Postgres gave no row for an aggregate');
  return row;
}
