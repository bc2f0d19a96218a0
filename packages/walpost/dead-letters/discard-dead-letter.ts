import { OPEN } from '@walpost/kit/consumer/dead-letters';
import type { Db, Tx } from '@walpost/kit/postgres/database';
import { deadLetters } from '@walpost/kit/postgres/tables';
import { and, asc, eq, sql } from 'drizzle-orm';
import { CliError } from '../cli-error.ts';
import { type DeadLetterRow, findDeadLetter, type ListedDeadLetter } from './find-dead-letters.ts';
import { isReleased } from './request-replay.ts';

export interface Discard {
  readonly deadLetter: ListedDeadLetter;
  /** The parked dead letters that go on without it. */
  readonly released: readonly DeadLetterRow[];
}

/** What a discard would do. @throws CliError when the dead letter does not exist or is closed */
export async function planDiscard(db: Db | Tx, id: number): Promise<Discard> {
  const deadLetter = await openDeadLetter(db, id);
  const { topic, key } = deadLetter;
  if (key === null) return { deadLetter, released: [] };
  const released = await db
    .select()
    .from(deadLetters)
    .where(and(eq(deadLetters.topic, topic), eq(deadLetters.key, key), isReleased(id)))
    .orderBy(asc(deadLetters.id));
  return { deadLetter, released };
}

/**
 * Closes a dead letter without its effect, and keeps it as a record with the reason. What is parked behind it and
 * behind no other goes on by itself: the service replays it.
 * @throws CliError when the dead letter does not exist or is closed
 */
export async function discardDeadLetter(db: Db, id: number, reason: string): Promise<Discard> {
  return db.transaction(async (tx) => {
    await tx.select({ id: deadLetters.id }).from(deadLetters).where(eq(deadLetters.id, id)).for('update');
    const plan = await planDiscard(tx, id);
    await tx
      .update(deadLetters)
      .set({ state: 'discarded', discardReason: reason, settledAt: sql`now()`, replayRequestedAt: null })
      .where(eq(deadLetters.id, id));
    return plan;
  });
}

async function openDeadLetter(db: Db | Tx, id: number): Promise<ListedDeadLetter> {
  const deadLetter = await findDeadLetter(db, id);
  if (OPEN.includes(deadLetter.state)) return deadLetter;
  const since = deadLetter.settledAt?.toISOString() ?? 'an unknown time';
  throw new CliError(`dead letter ${id} is closed: ${deadLetter.state} since ${since}`);
}
