import { asc, count, eq, getTableColumns, inArray, type SQL } from 'drizzle-orm';
import type { Db } from '../database.js';
import { OPEN } from '../dead-letters.js';
import { deadLetters, type LetterState } from '../tables.js';

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

const { value: _value, headers: _headers, errorStack: _stack, ...shown } = getTableColumns(deadLetters);

export interface OpenLetters {
  /** The oldest first, and not all of them when there are many. */
  readonly letters: readonly LetterView[];
  readonly dead: number;
  readonly parked: number;
}

/** Open letters, the oldest first, and how many there are in all. */
export async function readOpenLetters(db: Db, limit: number): Promise<OpenLetters> {
  const isOpen = inArray(deadLetters.state, OPEN);
  const letters = await select(db, isOpen, limit);
  const counts = await db
    .select({ state: deadLetters.state, count: count() })
    .from(deadLetters)
    .where(isOpen)
    .groupBy(deadLetters.state);
  const of = (state: LetterState) => counts.find((each) => each.state === state)?.count ?? 0;
  return { letters, dead: of('dead'), parked: of('parked') };
}

/** Every letter of a key, settled ones too. */
export function readLettersOfKey(db: Db, key: string): Promise<LetterView[]> {
  return select(db, eq(deadLetters.key, key), 100);
}

async function select(db: Db, which: SQL | undefined, limit: number): Promise<LetterView[]> {
  const rows = await db
    .select(shown)
    .from(deadLetters)
    .where(which)
    .orderBy(asc(deadLetters.id))
    .limit(limit);
  return rows.map(({ recordedAt: _recorded, offset, createdAt, replayRequestedAt, settledAt, ...row }) => ({
    ...row,
    offset: offset.toString(),
    createdAt: createdAt.getTime(),
    replayRequestedAt: replayRequestedAt?.getTime() ?? null,
    settledAt: settledAt?.getTime() ?? null,
  }));
}
