import { countDeadLetters } from '@walpost/kit/consumer/count-dead-letters';
import type { Db } from '@walpost/kit/postgres/database';
import { milliseconds, type RowOf } from '@walpost/kit/postgres/rows';
import type { DeadLetterState } from '@walpost/kit/postgres/tables';
import { type SQL, sql } from 'drizzle-orm';

/** A dead letter without what its record says. Times are milliseconds since the epoch. */
export interface DeadLetterView {
  readonly id: number;
  readonly identity: string;
  readonly state: DeadLetterState;
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

export interface OpenDeadLetters {
  /** The oldest first, and not all of them when there are many. */
  readonly deadLetters: readonly DeadLetterView[];
  readonly dead: number;
  readonly parked: number;
}

/** Open dead letters, the oldest first, and how many there are in all. */
export async function readOpenDeadLetters(db: Db, limit: number): Promise<OpenDeadLetters> {
  const [deadLetters, { dead, parked }] = await Promise.all([
    select(db, sql`observer.open_dead_letters(${limit})`),
    countDeadLetters(db),
  ]);
  return { deadLetters, dead, parked };
}

/** The dead letters of a key, closed ones too. */
export function readDeadLettersOfKey(db: Db, key: string): Promise<DeadLetterView[]> {
  return select(db, sql`observer.dead_letters(${key}) limit 100`);
}

async function select(db: Db, deadLetters: SQL): Promise<DeadLetterView[]> {
  const rows = await db.execute<RowOf<DeadLetterView>>(sql`
    select id::float8, identity, state, topic, partition, "offset"::text, key, error_code as "errorCode",
      error_message as "errorMessage", attempts, ${milliseconds('created_at')} as "createdAt",
      ${milliseconds('replay_requested_at')} as "replayRequestedAt", ${milliseconds('settled_at')} as "settledAt",
      discard_reason as "discardReason"
    from ${deadLetters}`);
  return [...rows];
}
