import type { Db } from '@walpost/kit/postgres/database';
import { deadLetters } from '@walpost/kit/postgres/tables';
import { and, asc, eq, inArray, isNotNull, ne, type SQL, sql } from 'drizzle-orm';
import { CliError } from '../cli-error.ts';
import { untilDecided } from '../wait.ts';
import { type DeadLetterRow, findDeadLetter, isOpen } from './find-dead-letters.ts';

/** Which dead letters to replay: those of a key, of one dead letter's key, or all. */
export interface ReplayChoice {
  readonly key?: string | undefined;
  readonly id?: number | undefined;
}

/**
 * - `replayed`, `discarded`: closed, by this request or by somebody else
 * - `failed`: its handler refused it once more
 * - `waits`: stays behind one that failed
 * - `pending`: the service has not come to it yet; the request is kept
 */
export type ReplayOutcome = 'replayed' | 'discarded' | 'failed' | 'waits' | 'pending';

export interface Replay {
  readonly deadLetter: DeadLetterRow;
  readonly outcome: ReplayOutcome;
}

/**
 * The dead letters of a choice, open or not. One dead letter stands for all of its key in its topic: they can only be
 * replayed in their order. A dead letter without a key stands for itself.
 * @throws CliError when there is no such dead letter
 */
export async function chosen(db: Db, { key, id }: ReplayChoice): Promise<SQL | undefined> {
  if (id !== undefined) {
    const deadLetter = await findDeadLetter(db, id);
    if (deadLetter.key === null) return eq(deadLetters.id, id);
    return and(eq(deadLetters.topic, deadLetter.topic), eq(deadLetters.key, deadLetter.key));
  }
  if (key === undefined) return undefined;
  const [known] = await db
    .select({ id: deadLetters.id })
    .from(deadLetters)
    .where(eq(deadLetters.key, key))
    .limit(1);
  if (!known) throw new CliError(`no dead letter has the key ${key}`);
  return eq(deadLetters.key, key);
}

/**
 * Asks the running service to replay dead letters, and waits until it has closed them or given them back. The service
 * runs them through its own handlers (`replayRequestedDeadLetters` in the kit); asking twice changes nothing.
 * @param seconds how long to wait; the request outlives it
 */
export async function replayDeadLetters(db: Db, which: SQL | undefined, seconds: number): Promise<Replay[]> {
  const before = new Map((await request(db, which)).map((row) => [row.id, row.attempts]));
  const asked = sql`${deadLetters.id} = any(${sql.param([...before.keys()])}::bigint[])`;
  await untilDecided(async () => {
    const [pending] = await db
      .select({ id: deadLetters.id })
      .from(deadLetters)
      .where(and(asked, isOpen, isNotNull(deadLetters.replayRequestedAt)))
      .limit(1);
    return pending ? undefined : true;
  }, seconds);
  const rows = await db.select().from(deadLetters).where(asked).orderBy(asc(deadLetters.id));
  return rows.map((deadLetter) => ({
    deadLetter,
    outcome: outcomeOf(deadLetter, before.get(deadLetter.id) ?? 0),
  }));
}

/** Parked dead letters with no dead one of their key before them, or none but `except`. */
export function isReleased(except = 0): SQL | undefined {
  return and(
    eq(deadLetters.state, 'parked'),
    ne(deadLetters.id, except),
    sql`not exists (select from dead_letters ahead where ahead.state = 'dead' and ahead.topic = dead_letters.topic
      and ahead.key = dead_letters.key and ahead.id < dead_letters.id and ahead.id <> ${except})`,
  );
}

async function request(db: Db, which: SQL | undefined): Promise<DeadLetterRow[]> {
  // Locked in their order, as the service does, so that the two never wait for each other in a circle.
  const locked = db
    .select({ id: deadLetters.id })
    .from(deadLetters)
    .where(which)
    .orderBy(asc(deadLetters.id));
  return db
    .update(deadLetters)
    .set({ replayRequestedAt: sql`coalesce(${deadLetters.replayRequestedAt}, now())` })
    .where(and(isOpen, inArray(deadLetters.id, locked.for('update'))))
    .returning();
}

function outcomeOf(
  { state, replayRequestedAt, attempts }: DeadLetterRow,
  attemptsBefore: number,
): ReplayOutcome {
  if (state === 'replayed' || state === 'discarded') return state;
  if (replayRequestedAt !== null) return 'pending';
  return attempts > attemptsBefore ? 'failed' : 'waits';
}
