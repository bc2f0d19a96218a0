import { pause } from './retry.ts';

/** What failed is tried again after this time, ms, or at its next turn, if that comes sooner. */
const RETRY_AFTER = 60_000;

/**
 * Does some housekeeping at once and then again and again, one run at a time. A failure is logged and tried again within
 * a minute: another instance may have had the lock, and failed too.
 *
 * @param milliseconds from the end of one run to the begin of the next
 * @param what names the work in the log
 * @returns stops it, and waits for a run that is under way
 */
export function every(
  milliseconds: number,
  what: string,
  logger: { warn(details: object, text: string): void },
  work: () => Promise<void>,
): () => Promise<void> {
  const stopping = new AbortController();
  const running = (async () => {
    while (!stopping.signal.aborted) {
      let rest = milliseconds;
      try {
        await work();
      } catch (error) {
        rest = Math.min(milliseconds, RETRY_AFTER);
        logger.warn({ err: error }, `could not ${what}, trying again in ${rest / 1000} s`);
      }
      await pause(rest, stopping.signal);
    }
  })();
  return async () => {
    stopping.abort();
    await running;
  };
}
