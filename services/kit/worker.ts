import { databaseFault } from './errors.js';
import type { LogFields } from './log-fields.js';
import type { Logger } from './logger.js';
import { backoff, pause } from './retry.js';
import { traceIdOf } from './trace.js';

/** What a claimed row must tell: which attempt this is, 1 for the first. It is counted when the row is claimed. */
export interface Claimed {
  readonly attempts: number;
  /** For the log. */
  readonly orderId?: string;
  readonly traceparent?: string | null;
}

/** How an outside call ended: with an answer, or with an error after which it is to be tried again. */
export type Outcome<T extends Claimed, R> =
  | { readonly item: T; readonly result: R }
  | { readonly item: T; readonly error: Error; readonly retryIn: number };

export interface WorkerOptions<T extends Claimed, R> {
  /** For the log, e.g. `payments`. */
  name: string;
  /**
   * Takes up to `limit` due rows, FOR UPDATE SKIP LOCKED, counts the attempt and puts off their next one by `lease` ms,
   * all in one statement. A row whose lease ran out is due again.
   */
  claim(limit: number, lease: number): Promise<T[]>;
  /**
   * The outside call, outside any transaction. It may be made again for the same row, so it carries an idempotency key.
   * A refusal that is final is a result; an error is tried again. It should end when the signal aborts.
   */
  perform(item: T, signal: AbortSignal): Promise<R>;
  /** Writes the outcomes, in one transaction. `retryIn` is milliseconds from now. */
  settle(outcomes: Outcome<T, R>[]): Promise<void>;
  logger: Logger;
  /** The most calls under way at once; 20 when not given. More rows are claimed when a quarter of the slots is free. */
  concurrency?: number;
  /** How often to look without being woken, ms; 1000 when not given. */
  pollEvery?: number;
  /** How long a claim holds, ms; a call is given up after half of it. 30,000 when not given. */
  lease?: number;
  /** The first and the longest wait between attempts, ms; 200 and 30,000 when not given. */
  retry?: { first: number; last: number };
}

export interface RunningWorker {
  /** Look for due rows now; called after a commit that may have made some. */
  wake(): void;
  /** Claims no more, and waits until what is under way is settled. */
  close(): Promise<void>;
}

/**
 * Does what must happen outside the inbox transaction: claims due rows, performs a call for each, settles the outcomes.
 * Any number of workers share a table. A process that dies between call and settling leaves a lease that runs out, and
 * another one makes the call again with the same idempotency key.
 *
 * While the database is away the worker waits and says so; it never ends by itself.
 */
export function startWorker<T extends Claimed, R>(options: WorkerOptions<T, R>): RunningWorker {
  const { name, logger, concurrency = 20, pollEvery = 1_000, lease = 30_000 } = options;
  const { first, last } = options.retry ?? { first: 200, last: 30_000 };
  const stopping = new AbortController();
  const underWay = new Set<Promise<void>>();
  let woken = false;
  let waitsForSlots = false;
  let ring: () => void = () => undefined;

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
    try {
      return { item, result: await within(lease / 2, (signal) => options.perform(item, signal)) };
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown : new Error(String(thrown));
      const retryIn = backoff(item.attempts, Math.random(), first, last);
      logger.warn(
        { err: error, ...fieldsOf(item), attempts: item.attempts, retryIn },
        `${name}: ${error.message}`,
      );
      return { item, error, retryIn };
    }
  }

  const settle = groupCommit(async (outcomes: Outcome<T, R>[]) => {
    const giveUpAt = Date.now() + lease / 2;
    for (let failures = 1; ; failures++) {
      try {
        return await options.settle(outcomes);
      } catch (error) {
        // What was done outside is worth remembering: without its outcome the call is made again.
        if (!isPassing(error) || stopping.signal.aborted || Date.now() > giveUpAt)
          return settleEach(outcomes, error);
        logger.error({ err: error, failures }, `${name}: cannot settle, will try again`);
        await pause(backoff(failures, Math.random()), stopping.signal);
      }
    }
  });

  /** One outcome that cannot be written must not hold back the others. Its row is claimed again after the lease. */
  async function settleEach(outcomes: Outcome<T, R>[], error: unknown): Promise<void> {
    const [only] = outcomes;
    if (outcomes.length === 1) {
      const reason = error instanceof Error ? error.message : String(error);
      logger.error(
        { err: error, ...(only && fieldsOf(only.item)) },
        `${name}: not settled, claimed again later: ${reason}`,
      );
      return;
    }
    for (const outcome of outcomes) {
      await options.settle([outcome]).catch((again: unknown) => settleEach([outcome], again));
    }
  }

  function begin(item: T): void {
    const call = attempt(item).then(settle);
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

  return {
    wake,
    async close() {
      stopping.abort();
      ring();
      await running;
    },
  };
}

/** A row itself may hold what is in no log: an e-mail's text, its address. */
function fieldsOf({ orderId, traceparent }: Claimed): LogFields {
  return { order_id: orderId, trace_id: traceIdOf(traceparent) };
}

/** Whether the same settling can succeed in a moment: the database is away or busy, or a schema id is not known yet. */
function isPassing(error: unknown): boolean {
  const fault = databaseFault(error);
  if (fault) return fault !== 'other';
  return error instanceof Error && 'retryable' in error && error.retryable === true;
}

/** Runs a call that is told to end, and given up, after a time: a call that hangs must not take its slot for ever. */
async function within<R>(milliseconds: number, call: (signal: AbortSignal) => Promise<R>): Promise<R> {
  const late = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      late.abort();
      reject(new Error(`no answer within ${milliseconds} ms`));
    }, milliseconds);
  });
  try {
    return await Promise.race([call(late.signal), deadline]);
  } finally {
    clearTimeout(timer);
  }
}

/** While one write is under way, what else comes in is collected and written together by the next one. */
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
      last = next;
    }
    return next;
  };
}
