import { and, asc, eq, isNotNull, isNull, or, sql } from 'drizzle-orm';
import type { Decoder } from '../contract/codec.ts';
import type { Db, Tx } from '../postgres/database.ts';
import { deadLetters } from '../postgres/tables.ts';
import { messageOf } from '../telemetry/describe-error.ts';
import type { Logger } from '../telemetry/logger.ts';
import { traceIdOf } from '../telemetry/trace.ts';
import { describe, isOpen } from './dead-letters.ts';
import { classify, classifyAttempt } from './failure.ts';
import { type Handlers, handleRecords } from './handle-batch.ts';
import { INVALID_KEY, MessageError, type Received, receive } from './receive.ts';

type DeadLetterRow = typeof deadLetters.$inferSelect;

/** What identifies a dead letter, and says whether it may go. */
const PLACE = {
  id: deadLetters.id,
  topic: deadLetters.topic,
  key: deadLetters.key,
  state: deadLetters.state,
  replayRequestedAt: deadLetters.replayRequestedAt,
};
type Place = Pick<DeadLetterRow, keyof typeof PLACE>;

/**
 * Of the dead letters that have to wait, by id: how often each has failed in a way that may not come back, for it gets
 * as many tries as an event, and when it had its turn.
 */
export type ReplayFailures = Map<number, { count: number; at: number }>;

/** What waits may take this long, ms, before a call ends: what is asked for meanwhile comes first in the next one. */
const WAIT_FOR = 5_000;

export interface ReplayOptions {
  db: Db;
  on: Handlers;
  decoder: Decoder;
  logger: Logger;
  /** Kept from one call to the next. */
  failures: ReplayFailures;
}

/**
 * Replays the dead letters that somebody asked for (`walpost dead-letters replay`), and those that only waited behind
 * one that is closed by now: for each key its open dead letters, in their order, through the service's own handlers,
 * each in a transaction of its own. What an error means is as for any event (failure.ts): the first dead letter that
 * fails for good ends its key's turn, and it and those behind it stay; one that has to wait ends the turn too, and its
 * request is kept. Other keys go on, and have their next turn before it.
 *
 * Safe to run twice and from several instances: a dead letter's row is locked while it is handled, and closed with it.
 *
 * @throws what the first dead letter that has to wait waits for, when all others have had their turn, or those that
 * wait have taken long; at once when the database is away
 */
export async function replayRequestedDeadLetters(options: ReplayOptions): Promise<void> {
  const { failures } = options;
  const waiting: unknown[] = [];
  const until = performance.now() + WAIT_FOR;
  const turn = ({ id }: Place) => failures.get(id)?.at ?? 0;
  for (const first of (await firstInLine(options.db)).sort((a, b) => turn(a) - turn(b))) {
    if (waiting.length > 0 && performance.now() > until) break;
    const reason = await replayLine(options, first);
    if (reason === undefined) continue;
    // One dead letter may wait for a table of its own; a database that is away keeps all of them waiting.
    await options.db.execute(sql`select 1`);
    waiting.push(reason.error);
  }
  if (waiting.length > 0)
    throw new Error(`replays of ${waiting.length} keys wait: ${messageOf(waiting[0])}`, {
      cause: waiting[0],
    });
}

/**
 * The dead letters that are first in their key's line, oldest first, and may go. A dead letter without a key is a line
 * of its own. One pass over the index of open dead letters, in its order: how many there are costs no more than that.
 */
async function firstInLine(db: Db): Promise<Place[]> {
  const firsts = db
    .selectDistinctOn([deadLetters.topic, deadLetters.key], PLACE)
    .from(deadLetters)
    .where(and(isOpen, isNotNull(deadLetters.key)))
    .orderBy(deadLetters.topic, deadLetters.key, asc(deadLetters.id))
    .as('firsts');
  const rows = await db
    .select()
    .from(firsts)
    .where(or(eq(firsts.state, 'parked'), isNotNull(firsts.replayRequestedAt)));
  const keyless = await db
    .select(PLACE)
    .from(deadLetters)
    .where(and(isOpen, isNull(deadLetters.key), isNotNull(deadLetters.replayRequestedAt)));
  return [...rows, ...keyless].sort((a, b) => a.id - b.id);
}

/** @returns why the rest of the line has to wait, undefined when nothing of it has to */
async function replayLine(options: ReplayOptions, first: Place): Promise<{ error: unknown } | undefined> {
  const { db, on, decoder, logger, failures } = options;
  let next: Place | undefined = first;
  while (next && mayGo(next)) {
    const [deadLetter] = await db.select().from(deadLetters).where(eq(deadLetters.id, next.id));
    if (!deadLetter) return undefined;
    try {
      // Before the transaction: it must not stay open while the registry is asked.
      const received = await read(decoder, deadLetter);
      const isReplayed = await db.transaction((tx) => replay(tx, on, deadLetter.id, received));
      if (isReplayed) logger.info(fieldsOf(deadLetter), 'dead letter replayed');
    } catch (error) {
      const count = (failures.get(deadLetter.id)?.count ?? 0) + (classify(error) === 'retry' ? 1 : 0);
      if (classifyAttempt(error, count) !== 'dead-letter') {
        failures.set(deadLetter.id, { count, at: performance.now() });
        return { error };
      }
      await giveBack(db, deadLetter, error);
      logger.warn({ err: error, ...fieldsOf(deadLetter) }, 'a replayed dead letter failed again');
    }
    failures.delete(deadLetter.id);
    next = deadLetter.key === null ? undefined : await firstOfKey(db, deadLetter.topic, deadLetter.key);
  }
  return undefined;
}

function mayGo({ state, replayRequestedAt }: Place): boolean {
  return state === 'parked' || (state === 'dead' && replayRequestedAt !== null);
}

function fieldsOf({ id, key, identity, headers }: DeadLetterRow) {
  const trace_id = traceIdOf(new Map(headers).get('traceparent'));
  return { dead_letter: id, key, event_id: identity, trace_id };
}

function openOfKey(topic: string, key: string) {
  return and(isOpen, eq(deadLetters.topic, topic), eq(deadLetters.key, key));
}

async function firstOfKey(db: Db | Tx, topic: string, key: string): Promise<Place | undefined> {
  const [first] = await db
    .select(PLACE)
    .from(deadLetters)
    .where(openOfKey(topic, key))
    .orderBy(asc(deadLetters.id))
    .limit(1);
  return first;
}

/** @throws what is wrong with the record, or that the registry is away */
async function read(
  decoder: Decoder,
  { topic, partition, offset, key, value, headers, recordedAt, errorCode }: DeadLetterRow,
): Promise<Received> {
  // The dead letter has as much of it as could be stored: under that its effects would be somebody else's.
  if (errorCode === INVALID_KEY) throw new MessageError(INVALID_KEY, 'the record had no usable key');
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
  return received;
}

/** @returns false when somebody else has closed it, given it back or replays its key */
async function replay(tx: Tx, on: Handlers, id: number, received: Received): Promise<boolean> {
  const [deadLetter] = await tx.select().from(deadLetters).where(eq(deadLetters.id, id)).for('update');
  if (!deadLetter || !mayGo(deadLetter)) return false;
  if (deadLetter.key !== null && (await firstOfKey(tx, deadLetter.topic, deadLetter.key))?.id !== id)
    return false;
  // It is claimed too: the inbox may have forgotten it, and must know it from now on.
  await handleRecords(tx, on, [received], true);
  await tx
    .update(deadLetters)
    .set({ state: 'replayed', settledAt: sql`now()`, attempts: deadLetter.attempts + 1 })
    .where(eq(deadLetters.id, id));
  return true;
}

/** Ends the request for a dead letter's key: it failed again, and a person has to look. */
async function giveBack(db: Db, deadLetter: DeadLetterRow, error: unknown): Promise<void> {
  await db.transaction(async (tx) => {
    await tx
      .update(deadLetters)
      .set({ state: 'dead', attempts: deadLetter.attempts + 1, replayRequestedAt: null, ...describe(error) })
      .where(and(eq(deadLetters.id, deadLetter.id), isOpen));
    if (deadLetter.key === null) return;
    await tx
      .update(deadLetters)
      .set({ replayRequestedAt: null })
      .where(openOfKey(deadLetter.topic, deadLetter.key));
  });
}
