import type { Decoder } from '@walpost/schemas/codec';
import { and, asc, eq, inArray, isNotNull, or, sql } from 'drizzle-orm';
import type { Db, Tx } from './database.js';
import { describe, OPEN } from './dead-letters.js';
import { judge } from './failure.js';
import { handle, type Subscription } from './handle-batch.js';
import type { Logger } from './logger.js';
import { receive } from './receive.js';
import { deadLetters, inbox } from './tables.js';
import { traceIdOf } from './trace.js';

type LetterRow = typeof deadLetters.$inferSelect;

/**
 * Replays the letters that somebody asked for (`walpost dead-letters replay`), and those that only waited behind one that
 * is settled by now: for each key its open letters, in their order, through the service's own handlers, each in a transaction of its own. The first that fails again ends its key's
 * turn; it and those behind it stay.
 *
 * Safe to run twice and from several instances: a letter's row is locked while it is handled, and settled with it.
 *
 * @throws the driver's error, or the decoder's, when database or registry are away; the request then stands
 */
export async function replayRequestedLetters(
  db: Db,
  subscription: Subscription,
  decoder: Decoder,
  logger: Logger,
): Promise<void> {
  for (;;) {
    const letter = await nextInLine(db);
    if (!letter) return;
    try {
      const replayed = await db.transaction((tx) => replay(tx, subscription, decoder, letter.id));
      if (replayed) logger.info(fieldsOf(letter), 'dead letter replayed');
    } catch (error) {
      if (judge(error) === 'wait') throw error;
      await giveBack(db, letter, error);
      logger.warn({ err: error, ...fieldsOf(letter) }, 'a replayed letter failed again');
    }
  }
}

function fieldsOf({ id, key, identity, headers }: LetterRow) {
  const trace_id = traceIdOf(new Map(headers).get('traceparent'));
  return { letter: id, order_id: key, event_id: identity, trace_id };
}

/**
 * A letter that is first in its key's line and may go: somebody asked for it, or it only waited behind one that is
 * settled. A letter without a key is a line of its own.
 */
async function nextInLine(db: Db): Promise<LetterRow | undefined> {
  const line = [deadLetters.topic, sql`coalesce(${deadLetters.key}, ${deadLetters.id}::text)`];
  const firsts = db
    .selectDistinctOn(line)
    .from(deadLetters)
    .where(inArray(deadLetters.state, OPEN))
    .orderBy(...line, asc(deadLetters.id))
    .as('firsts');
  const [next] = await db
    .select()
    .from(firsts)
    .where(or(eq(firsts.state, 'parked'), isNotNull(firsts.replayRequestedAt)))
    .orderBy(asc(firsts.id))
    .limit(1);
  return next;
}

function openOfKey(topic: string, key: string) {
  return and(inArray(deadLetters.state, OPEN), eq(deadLetters.topic, topic), eq(deadLetters.key, key));
}

/** @returns false when somebody else has settled it */
async function replay(tx: Tx, subscription: Subscription, decoder: Decoder, id: number): Promise<boolean> {
  const [letter] = await tx.select().from(deadLetters).where(eq(deadLetters.id, id)).for('update');
  if (!letter || !OPEN.includes(letter.state)) return false;
  const { topic, partition, offset, key, value, headers, recordedAt } = letter;
  const received = await receive(
    decoder,
    { topic, partition, offset: offset.toString() },
    {
      key: key === null ? null : Buffer.from(key),
      value,
      headers: Object.fromEntries(headers),
      timestamp: String(recordedAt.getTime()),
      attributes: 0,
      offset: offset.toString(),
    },
  );
  if ('error' in received.result) throw received.result.error;
  const events = [received.result.event];
  await handle(tx, subscription, events, events);
  await tx
    .insert(inbox)
    .values({ ...received.result.event, eventId: received.result.event.id, topic, receivedAt: new Date() })
    .onConflictDoNothing();
  await tx
    .update(deadLetters)
    .set({ state: 'replayed', settledAt: sql`now()`, attempts: letter.attempts + 1 })
    .where(eq(deadLetters.id, id));
  return true;
}

/** Ends the request for a letter's key: it failed again, and a person has to look. */
async function giveBack(db: Db, letter: LetterRow, error: unknown): Promise<void> {
  await db.transaction(async (tx) => {
    await tx
      .update(deadLetters)
      .set({ state: 'dead', attempts: letter.attempts + 1, replayRequestedAt: null, ...describe(error) })
      .where(and(eq(deadLetters.id, letter.id), inArray(deadLetters.state, OPEN)));
    if (letter.key === null) return;
    await tx.update(deadLetters).set({ replayRequestedAt: null }).where(openOfKey(letter.topic, letter.key));
  });
}
