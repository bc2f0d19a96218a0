import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 300;

/**
 * Tries until it works, for as long as the failure is one that may go away.
 * @param seconds how long in all; 0 tries once
 * @throws the last failure
 */
export async function untilAvailable<T>(
  attempt: () => Promise<T>,
  options: { seconds: number; retryable: (error: unknown) => boolean },
): Promise<T> {
  const deadline = Date.now() + options.seconds * 1000;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!options.retryable(error) || Date.now() + POLL_MS > deadline) throw error;
      await delay(POLL_MS);
    }
  }
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
