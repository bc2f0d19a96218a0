import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../stack/stack-error.ts';

export interface EventuallyOptions {
  /** What is waited for, in the words of the error. */
  what?: string;
  /** Between two tries, ms: a probe that is a program of its own keeps a core busy. */
  every?: number;
  /** Ends the wait with its reason. */
  signal?: AbortSignal;
}

/**
 * Waits for an outcome, in tests and what else starts a stack: tries until `probe` neither throws nor answers undefined.
 *
 * @param seconds how long in all
 * @throws an Error with what stood in the way last, when the time is up
 */
export async function eventually<T>(
  probe: () => Promise<T | undefined>,
  seconds = 120,
  { what = 'the outcome', every = 100, signal }: EventuallyOptions = {},
): Promise<T> {
  const until = Date.now() + seconds * 1000;
  for (;;) {
    signal?.throwIfAborted();
    let problem: unknown;
    try {
      const value = await probe();
      if (value !== undefined) return value;
    } catch (error) {
      problem = error;
    }
    if (Date.now() > until) {
      const why = problem === undefined ? '' : `: ${messageOf(problem)}`;
      throw new Error(`${what}: not within ${seconds} s${why}`, { cause: problem });
    }
    await delay(every, undefined, { signal });
  }
}
