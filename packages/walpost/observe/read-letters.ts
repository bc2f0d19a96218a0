import { countLetters } from '@walpost/kit/consumer/count-letters';
import type { Db } from '@walpost/kit/postgres/database';
import { milliseconds, type RowOf } from '@walpost/kit/postgres/rows';
import type { LetterState } from '@walpost/kit/postgres/tables';
import { type SQL, sql } from 'drizzle-orm';

/** A dead letter without what its record says. Times are milliseconds since the epoch. */
export interface LetterView {
  readonly id: number;
  readonly identity: string;
  readonly state: LetterState;
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly key: string | null;
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
  readonly attempts: number;
  readonly createdAt: number;
  readonly replayRequestedAt: number | null;
  readonly settledAt: number | null;
  readonly discardReason: string | null;
}

export interface OpenLetters {
  /** The oldest first, and not all of them when there are many. */
  readonly letters: readonly LetterView[];
  readonly dead: number;
  readonly parked: number;
}

/** Open letters, the oldest first, and how many there are in all. */
export async function readOpenLetters(db: Db, limit: number): Promise<OpenLetters> {
  const [letters, { dead, parked }] = await Promise.all([
    select(db, sql`observer.open_dead_letters(${limit})`),
    countLetters(db),
  ]);
  return { letters, dead, parked };
}

/** The letters of a key, settled ones too. */
export function readLettersOfKey(db: Db, key: string): Promise<LetterView[]> {
  return select(db, sql`observer.dead_letters(${key}) limit 100`);
}

async function select(db: Db, letters: SQL): Promise<LetterView[]> {
  const rows = await db.execute<RowOf<LetterView>>(sql`
    select id::float8, identity, state, topic, partition, "offset"::text, key, error_code as "errorCode",
      error_message as "errorMessage", attempts, ${milliseconds('created_at')} as "createdAt",
      ${milliseconds('replay_requested_at')} as "replayRequestedAt", ${milliseconds('settled_at')} as "settledAt",
      discard_reason as "discardReason"
    from ${letters}`);
  return [...rows];
}
