import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import type { PgColumn } from 'drizzle-orm/pg-core';
import { classify } from '../consumer/failure.ts';
import type { LogFields } from '../consumer/log-fields.ts';
import { errorCode } from '../errors.ts';
import type { Db } from '../postgres/database.ts';
import { backoff, pause } from '../retry.ts';
import { every } from '../schedule.ts';
import { messageOf } from '../telemetry/describe-error.ts';
import type { Logger } from '../telemetry/logger.ts';
import { traceIdOf } from '../telemetry/trace.ts';

const LOCK_NOT_AVAILABLE = '55P03';
/** No row waits for longer than this for its next attempt, ms. */
const LONGEST_WAIT = 3_600_000;
const RECALL_EVERY = 60_000;
const SLOW_AFTER_MS = 1_000;

/** What a claimed row must have: which attempt this is, 1 for the first. It is counted when the row is claimed. */
export interface Claimed {
  readonly attempts: number;
  readonly traceparent?: string | null;
}

/** How an outside call ended: with an answer, or with an error after which it is to be tried again. */
export type Outcome<T extends Claimed, R> =
  | { readonly item: T; readonly result: R }
  | { readonly item: T; readonly error: Error; readonly retryIn: number };

/**
 * Makes those rows of a table due that rest for longer than any wait: a clock was ahead when they were put off.
 *
 * @param nextAttempt the column that says until when; null when nothing is to be done
 */
export async function recallRows(db: Db, nextAttempt: PgColumn, now: Date): Promise<void> {
  const latest = new Date(now.getTime() + LONGEST_WAIT);
  await db.execute(sql`
    update ${nextAttempt.table} set ${sql.identifier(nextAttempt.name)} = ${now.toISOString()}::timestamptz
    where ${nextAttempt} > ${latest.toISOString()}::timestamptz`);
}

export interface WorkerOptions<T extends Claimed, R> {
  /** For the log, e.g. `labels`. */
  name: string;
  /**
   * Takes up to `limit` due rows, FOR UPDATE SKIP LOCKED, counts the attempt and puts off their next one by `lease` ms,
   * all in one statement. A row whose lease ran out is due again.
   */
  claim(limit: number, lease: number): Promise<T[]>;
  /** The key of the events that a row is about, for the log. */
  keyOf?(item: T): string;
  /**
   * The outside call, outside any transaction. It may be made again for the same row, so it carries an idempotency key.
   * A refusal that is final is a result; an error is tried again. It should end when the signal aborts.
   */
  perform(item: T, signal: AbortSignal): Promise<R>;
  /** Writes the outcomes, in one transaction. `retryIn` is milliseconds from now. */
  recordOutcomes(outcomes: Outcome<T, R>[]): Promise<void>;
  /**
   * Puts off the next attempt of rows that are still claimed as they were to `lease` ms from now. Without it no call
   * outlasts half a lease. @returns the rows that are held; calls for others are ended
   */
  renew?(items: T[], lease: number): Promise<T[]>;
  /** Makes rows due again that a wrong clock has put off (`recallRows`). Not when not given. */
  recall?(): Promise<void>;
  logger: Logger;
  /** The most calls under way at once; 20 when not given. More rows are claimed when a quarter of the slots is free. */
  concurrency?: number;
  /** How often to look without being woken, ms; 1000 when not given. */
  pollEvery?: number;
  /**
   * How long a claim holds, ms; 30,000 when not given. A call is ended when half of it has passed since the claim, or
   * since it was last renewed.
   */
  lease?: number;
  /** The first wait between attempts, and the longest after an error, an hour at most, ms; 200 and 30,000 when not given. */
  retry?: { first: number; last: (error: Error) => number };
}

/** How long an orderly stop waits for calls before it ends them, ms: what is left of the stop writes their outcomes. */
const STOP_GRACE = 5_000;

export interface RunningWorker {
  /** Look for due rows now; called after a commit that may have made some. */
  wake(): void;
  /** Claims no more, and waits until the outcome of what is under way is recorded. */
  close(): Promise<void>;
}

/**
 * Does what must happen outside the inbox transaction: claims due rows, performs a call for each, records the outcomes.
 * Any number of workers share a table. A process that dies between the call and recording its outcome leaves a lease
 * that runs out, and another one makes the call again with the same idempotency key.
 *
 * While the database is away the worker waits and says so; it never ends by itself.
 */
export function startWorker<T extends Claimed, R>(options: WorkerOptions<T, R>): RunningWorker {
  const { name, logger, concurrency = 20, pollEvery = 1_000, lease = 30_000 } = options;
  const { first, last } = options.retry ?? { first: 200, last: () => 30_000 };
  const stopping = new AbortController();
  const underWay = new Set<Promise<void>>();
  const calls = new Map<T, Limit>();
  let woken = false;
  let waitsForSlots = false;
  let ring: () => void = () => undefined;

  /** Not the row itself: it may hold what is in no log, a person's text or address. */
  const fieldsOf = (item: T): LogFields => ({
    key: options.keyOf?.(item),
    trace_id: traceIdOf(item.traceparent),
  });

  function wake(): void {
    woken = true;
    ring();
  }

  /** Waits until it is woken, by a commit, a free slot or the end, and no longer than until the next poll. */
  async function rest(): Promise<void> {
    if (!woken && !stopping.signal.aborted) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, pollEvery);
        ring = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    woken = false;
  }

  async function attempt(item: T): Promise<Outcome<T, R>> {
    const limit = new Limit(lease / 2);
    calls.set(item, limit);
    try {
      return { item, result: await limit.run((signal) => options.perform(item, signal)) };
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown : new Error(String(thrown));
      const retryIn = backoff(item.attempts, Math.random(), first, last(error));
      logger.warn(
        { err: error, ...fieldsOf(item), attempts: item.attempts, retryIn },
        `${name}: ${messageOf(error)}`,
      );
      return { item, error, retryIn };
    } finally {
      calls.delete(item);
    }
  }

  async function renewLeases(held = [...calls]): Promise<void> {
    if (held.length === 0 || !options.renew) return;
    const items = held.map(([item]) => item);
    try {
      const renewed = await options.renew(items, lease);
      for (const [item, limit] of held)
        if (renewed.includes(item)) limit.putOff();
        else limit.end('its lease ran out, and somebody else has it');
    } catch (error) {
      // As with outcomes: that somebody holds the row of one of them is no reason to end the calls of the others.
      if (errorCode(error) !== LOCK_NOT_AVAILABLE || held.length === 1) throw error;
      await Promise.all(held.map((one) => renewLeases([one])));
    }
  }

  const recordOutcomes = groupCommit((outcomes: Outcome<T, R>[]) => write(outcomes, Date.now() + lease / 2));

  async function write(outcomes: Outcome<T, R>[], giveUpAt: number): Promise<void> {
    for (let failures = 1; ; failures++) {
      try {
        return await options.recordOutcomes(outcomes);
      } catch (error) {
        // Somebody holds the row of one of them, maybe for long: no reason for the others to wait.
        if (errorCode(error) === LOCK_NOT_AVAILABLE && outcomes.length > 1) {
          await Promise.all(outcomes.map((outcome) => write([outcome], giveUpAt)));
          return;
        }
        // What was done outside is worth remembering: without its outcome the call is made again.
        if (classify(error) === 'dead-letter' || stopping.signal.aborted || Date.now() > giveUpAt)
          return recordEach(outcomes, error);
        logger.error({ err: error, failures }, `${name}: cannot record the outcome, will try again`);
        await pause(backoff(failures, Math.random()), stopping.signal);
      }
    }
  }

  /** One outcome that cannot be written must not hold back the others. Its row is claimed again after the lease. */
  async function recordEach(outcomes: Outcome<T, R>[], error: unknown): Promise<void> {
    const [only] = outcomes;
    if (outcomes.length === 1) {
      logger.error(
        { err: error, ...(only && fieldsOf(only.item)) },
        `${name}: outcome not recorded, claimed again later: ${messageOf(error)}`,
      );
      return;
    }
    for (const outcome of outcomes) {
      await options.recordOutcomes([outcome]).catch((again: unknown) => recordEach([outcome], again));
    }
  }

  function begin(item: T): void {
    const call = attempt(item).then(recordOutcomes);
    const done = call.finally(() => {
      underWay.delete(done);
      if (waitsForSlots) wake();
    });
    underWay.add(done);
  }

  const running = (async () => {
    for (let failures = 0; !stopping.signal.aborted; ) {
      const free = concurrency - underWay.size;
      // One row at a time, as each slot gets free, would cost a statement for each.
      const mayClaim = 4 * free >= concurrency;
      try {
        const items = mayClaim ? await options.claim(free, lease) : [];
        failures = 0;
        waitsForSlots = !mayClaim || items.length === free;
        for (const item of items) begin(item);
        if (!mayClaim || items.length < free) await rest();
      } catch (error) {
        failures += 1;
        logger.error({ err: error, failures }, `${name}: cannot claim, will try again`);
        await pause(backoff(failures, Math.random()), stopping.signal);
      }
    }
    await Promise.all(underWay);
  })();

  const stopRenewing =
    options.renew && every(lease / 6, `renew the leases of ${name}`, logger, () => renewLeases());

  const { recall } = options;
  const stopRecalling = recall && every(RECALL_EVERY, `recall rows of ${name}`, logger, () => recall());

  return {
    wake,
    async close() {
      stopping.abort();
      ring();
      const grace = setTimeout(() => {
        for (const limit of calls.values()) limit.end('the service stops');
      }, STOP_GRACE);
      await running;
      clearTimeout(grace);
      await stopRenewing?.();
      await stopRecalling?.();
    },
  };
}

/** Ends a call after a time, which can be put off: a call that hangs must not take its slot for ever. */
class Limit {
  readonly #late = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #giveUp: (error: Error) => void = () => undefined;

  constructor(milliseconds: number) {
    this.#timer = setTimeout(() => this.end(`no answer within ${milliseconds} ms`), milliseconds);
  }

  /** Begins its time again. */
  putOff(): void {
    this.#timer.refresh();
  }

  /** Tells the call to end. One that does not is waited for no longer. */
  end(reason: string): void {
    const error = new Error(reason);
    this.#late.abort(error);
    setImmediate(this.#giveUp, error);
  }

  async run<R>(call: (signal: AbortSignal) => Promise<R>): Promise<R> {
    const { signal } = this.#late;
    const givenUp = new Promise<never>((_resolve, reject) => {
      this.#giveUp = reject;
    });
    try {
      return await Promise.race([call(signal), givenUp]);
    } catch (error) {
      // That it was aborted says less than why.
      throw signal.aborted && error instanceof Error && error.name === 'AbortError' ? signal.reason : error;
    } finally {
      clearTimeout(this.#timer);
    }
  }
}

/**
 * While one write is under way, what else comes in is collected and written together by the next one. A write that is
 * slow, because it waits for a lock, is not waited for.
 */
function groupCommit<T>(write: (items: T[]) => Promise<void>): (item: T) => Promise<void> {
  let waiting: T[] = [];
  let next: Promise<void> | undefined;
  let last = Promise.resolve();
  return (item) => {
    waiting.push(item);
    if (!next) {
      next = last.then(() => {
        const items = waiting;
        waiting = [];
        next = undefined;
        return write(items);
      });
      last = Promise.race([next, delay(SLOW_AFTER_MS, undefined, { ref: false })]);
    }
    return next;
  };
}
