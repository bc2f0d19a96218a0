import { sql } from 'drizzle-orm';
import type { Db } from '../postgres/database.js';
import { milliseconds, type RowOf } from '../postgres/rows.js';

/** How many letters are open, of how many keys, and since when the oldest is, ms since the epoch. */
export interface LetterCounts {
  readonly dead: number;
  readonly parked: number;
  readonly keys: number;
  readonly oldest: number | null;
}

/** Counts the open letters, without reading them. */
export async function countLetters(db: Db): Promise<LetterCounts> {
  const [row] = await db.execute<RowOf<LetterCounts>>(
    sql`select dead, parked, keys, ${milliseconds('oldest')} as oldest from observer.dead_letter_counts()`,
  );
  if (!row) throw new Error('Postgres gave no row for an aggregate');
  return row;
}
