import { setTimeout as delay } from 'node:timers/promises';

/**
 * The waits between attempts: exponential with full jitter on the upper half, so that many waiters do not come back in
 * step.
 *
 * @param attempt 1 for the first failure
 * @param random a number in [0, 1), given so that a test can fix it
 * @returns milliseconds
 */
export function backoff(attempt: number, random: number, first = 200, last = 10_000): number {
  const ceiling = Math.min(last, first * 2 ** Math.min(attempt - 1, 30));
  return ceiling / 2 + (ceiling / 2) * random;
}

/** Waits, and returns early, without an error, when the signal aborts. */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await delay(milliseconds, undefined, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}

export interface RetryOptions {
  /** How long in all, s; 0 tries once. */
  readonly seconds: number;
  /** Whether a failure may go away by itself. */
  readonly retryable: (error: unknown) => boolean;
  /** How long to wait after so many failures, ms; growing when not given. */
  readonly wait?: (failures: number) => number;
}

/**
 * Does something until it succeeds, for as long as its failure is one that may go away and the next attempt begins in
 * time.
 *
 * @throws the last failure
 */
export async function retry<T>(
  step: () => Promise<T>,
  { seconds, retryable, wait = (failures) => backoff(failures, Math.random()) }: RetryOptions,
): Promise<T> {
  const until = performance.now() + seconds * 1000;
  for (let failures = 1; ; failures++) {
    try {
      return await step();
    } catch (error) {
      const next = wait(failures);
      if (!retryable(error) || performance.now() + next > until) throw error;
      await delay(next);
    }
  }
}

/**
 * Does something until it succeeds or the signal aborts, with growing waits in between.
 *
 * @param onFailure called for every failed attempt; may throw to give up
 * @returns undefined when the signal aborted first
 */
export async function untilDone<T>(
  step: () => Promise<T>,
  signal: AbortSignal,
  onFailure: (error: unknown, attempt: number) => void,
): Promise<T | undefined> {
  for (let attempt = 1; !signal.aborted; attempt++) {
    try {
      return await step();
    } catch (error) {
      if (signal.aborted) return undefined;
      onFailure(error, attempt);
    }
    await pause(backoff(attempt, Math.random()), signal);
  }
  return undefined;
}
