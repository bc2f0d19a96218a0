import type { LogFields } from './log-fields.js';

interface Log {
  error(fields: object, message: string): void;
}

/** More kinds of failure than that at once are told as one. */
const MAX_KINDS = 500;

/**
 * Logs failures that many callers meet at once: the first of a kind at once and in full, the others as one line with their
 * number when the time is over. A database that does not answer fails every request, and a merged statement all of its own.
 *
 * @param within ms
 */
export function logRepeats(within: number) {
  const kinds = new Map<string, { count: number }>();
  /** @param kind what the failures have in common */
  return (log: Log, kind: string, fields: LogFields & { err: unknown }, message: string): void => {
    const key = kinds.size < MAX_KINDS ? kind : 'others';
    const before = kinds.get(key);
    if (before) {
      before.count += 1;
      return;
    }
    const repeated = { count: 0 };
    kinds.set(key, repeated);
    log.error(fields, message);
    setTimeout(() => {
      kinds.delete(key);
      const { count } = repeated;
      if (count > 0) log.error({ count }, `${count} more within ${within / 1000} s: ${message}`);
    }, within).unref();
  };
}
