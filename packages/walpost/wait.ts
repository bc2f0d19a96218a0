import { setTimeout as delay } from 'node:timers/promises';
import { type RetryOptions, retry } from '@walpost/kit/retry';

const POLL_MS = 300;

/** `retry` at a steady pace: whoever waits for a server at a terminal is to see soon that it is there. */
export function untilAvailable<T>(attempt: () => Promise<T>, options: RetryOptions): Promise<T> {
  return retry(attempt, { ...options, wait: () => POLL_MS });
}

/**
 * Looks until there is an outcome.
 * @param look answers undefined for as long as nothing is decided
 * @returns the outcome, or undefined when the time is up
 */
export async function untilDecided<T>(
  look: () => Promise<T | undefined>,
  seconds: number,
): Promise<T | undefined> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const outcome = await look();
    if (outcome !== undefined || Date.now() + POLL_MS > deadline) return outcome;
    await delay(POLL_MS);
  }
}
