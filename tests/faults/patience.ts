import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 250;

/**
 * Tries until it works: `step` neither throws nor answers undefined.
 *
 * @throws what stood in the way last, when the time is up
 */
export async function eventually<T>(
  what: string,
  seconds: number,
  step: () => Promise<T | undefined>,
  every = POLL_MS,
): Promise<T> {
  const until = Date.now() + seconds * 1000;
  for (;;) {
    let problem: unknown;
    try {
      const answer = await step();
      if (answer !== undefined) return answer;
    } catch (error) {
      problem = error;
    }
    if (Date.now() > until) {
      const why = problem instanceof Error ? `: ${problem.message}` : '';
      throw new Error(`${what}: not within ${seconds} s${why}`, { cause: problem });
    }
    await delay(every);
  }
}
