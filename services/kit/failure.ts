import { databaseFault } from './errors.js';

/**
 * What to do about an event that could not be handled:
 * - `wait`: nothing is wrong with the event; hold its partition until the cause is gone, however long it takes
 * - `again`: bad luck that may not come back; try a bounded number of times
 * - `dead`: trying again cannot help
 */
export type Verdict = 'wait' | 'again' | 'dead';

/** Attempts that an event gets before it is a dead letter for errors of the kind `again`. */
export const MAX_ATTEMPTS = 6;

/**
 * Decides by the error alone.
 *
 * | error | verdict |
 * | --- | --- |
 * | database away, full, or not set up for this service | wait |
 * | schema registry away | wait |
 * | serialization failure, deadlock, time-out of a statement or lock | again |
 * | an error that says `retryable: true` | again |
 * | decode error, unknown type, a handler's refusal, a violated constraint, a bug | dead |
 */
export function judge(error: unknown): Verdict {
  switch (databaseFault(error)) {
    case 'unavailable':
      return 'wait';
    case 'contention':
      return 'again';
    case 'other':
      return 'dead';
  }
  if (errorCode(error) === 'registry-unavailable') return 'wait';
  return isRetryable(error) ? 'again' : 'dead';
}

/** The same, knowing that this was attempt number `attempt` at a single event. */
export function judgeAttempt(error: unknown, attempt: number): Verdict {
  const verdict = judge(error);
  return verdict === 'again' && attempt >= MAX_ATTEMPTS ? 'dead' : verdict;
}

/** The most telling code of an error: its own, or that of what caused it. */
export function errorCode(error: unknown): string {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && typeof cause.code === 'string') return cause.code;
  }
  return error instanceof Error ? error.name : 'unknown';
}

function isRetryable(error: unknown): boolean {
  return error instanceof Error && 'retryable' in error && error.retryable === true;
}
