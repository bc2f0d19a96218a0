import { causes, databaseFault } from '../errors.ts';

/**
 * What to do about an event that could not be handled:
 * - `pause`: nothing is wrong with the event; its partition is paused until the cause is gone, however long it takes
 * - `rerun`: nothing is wrong with the event; the same work, as a whole, in a fresh transaction, however often it takes
 * - `retry`: bad luck that may not come back; try a bounded number of times
 * - `dead-letter`: trying again cannot help
 */
export type Verdict = 'pause' | 'rerun' | 'retry' | 'dead-letter';

/** Attempts that an event gets before it is a dead letter for errors of the kind `retry`. */
export const MAX_ATTEMPTS = 6;

/** Our own errors that say that something is missing which has nothing to do with the event. */
const MISSING = new Set(['registry-unavailable', 'unavailable', 'SCHEMA_ID_UNKNOWN']);

/**
 * Decides by the error alone; which SQLSTATE is of which kind is in errors.ts.
 *
 * | error | verdict |
 * | --- | --- |
 * | database away, full, corrupt, or not set up for this service; any connection that cannot be made or has ended | pause |
 * | schema registry away; a schema id that is not known yet | pause |
 * | serialization failure, deadlock, lock not to be had in time, a plan for a table's former shape | rerun |
 * | time-out of a statement or transaction, internal error of the server | retry |
 * | an error that says `retryable: true` | retry |
 * | decode error, unknown type, a handler's refusal, a wrong statement, a violated constraint, a bug | dead-letter |
 */
export function classify(error: unknown): Verdict {
  switch (databaseFault(error)) {
    case 'unavailable':
      return 'pause';
    case 'contention':
      return 'rerun';
    case 'timeout':
      return 'retry';
    case 'other':
      return 'dead-letter';
  }
  for (const { code, retryable } of causes(error)) {
    if (typeof retryable !== 'boolean') continue;
    if (!retryable) return 'dead-letter';
    return MISSING.has(String(code)) ? 'pause' : 'retry';
  }
  return 'dead-letter';
}

/** The same, knowing that this was failure number `failures` of the kind `retry` of a single event. */
export function classifyAttempt(error: unknown, failures: number): Verdict {
  const verdict = classify(error);
  return verdict === 'retry' && failures >= MAX_ATTEMPTS ? 'dead-letter' : verdict;
}
