import type { Logger } from './logger.js';
import { pause } from './retry.js';

/**
 * Does some housekeeping at once and then again and again, one run at a time. A failure is logged, and the next turn
 * tries again.
 *
 * @param milliseconds from the end of one run to the begin of the next
 * @param what names the work in the log
 * @returns stops it, and waits for a run that is under way
 */
export function every(
  milliseconds: number,
  what: string,
  logger: Logger,
  work: () => Promise<void>,
): () => Promise<void> {
  const stopping = new AbortController();
  const running = (async () => {
    while (!stopping.signal.aborted) {
      try {
        await work();
      } catch (error) {
        logger.warn({ err: error }, `could not ${what}, trying again in ${milliseconds / 1000} s`);
      }
      await pause(milliseconds, stopping.signal);
    }
  })();
  return async () => {
    stopping.abort();
    await running;
  };
}
