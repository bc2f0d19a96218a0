import { causes, databaseFault } from '../errors.js';

/**
 * What to do about an event that could not be handled:
 * - `wait`: nothing is wrong with the event; hold its partition until the cause is gone, however long it takes
 * - `rerun`: nothing is wrong with the event; the same work, as a whole, in a fresh transaction, however often it takes
 * - `again`: bad luck that may not come back; try a bounded number of times
 * - `dead`: trying again cannot help
 */
export type Verdict = 'wait' | 'rerun' | 'again' | 'dead';

/** Attempts that an event gets before it is a dead letter for errors of the kind `again`. */
export const MAX_ATTEMPTS = 6;

/** Our own errors that say that something is missing which has nothing to do with the event. */
const MISSING = new Set(['registry-unavailable', 'unavailable', 'SCHEMA_ID_UNKNOWN']);

/**
 * Decides by the error alone; which SQLSTATE is of which kind stands in errors.ts.
 *
 * | error | verdict |
 * | --- | --- |
 * | database away, full, corrupt, or not set up for this service; any connection that cannot be made or has ended | wait |
 * | schema registry away; a schema id that is not known yet | wait |
 * | serialization failure, deadlock, lock not to be had in time, a plan for a table's former shape | rerun |
 * | time-out of a statement or transaction, internal error of the server | again |
 * | an error that says `retryable: true` | again |
 * | decode error, unknown type, a handler's refusal, a wrong statement, a violated constraint, a bug | dead |
 */
export function judge(error: unknown): Verdict {
  switch (databaseFault(error)) {
    case 'unavailable':
      return 'wait';
    case 'contention':
      return 'rerun';
    case 'timeout':
      return 'again';
    case 'other':
      return 'dead';
  }
  for (const { code, retryable } of causes(error)) {
    if (typeof retryable !== 'boolean') continue;
    if (!retryable) return 'dead';
    return MISSING.has(String(code)) ? 'wait' : 'again';
  }
  return 'dead';
}

/** The same, knowing that this was failure number `failures` of the kind `again` of a single event. */
export function judgeAttempt(error: unknown, failures: number): Verdict {
  const verdict = judge(error);
  return verdict === 'again' && failures >= MAX_ATTEMPTS ? 'dead' : verdict;
}
