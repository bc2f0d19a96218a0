/** Errors of this kit say what kind they are, and whether trying again can help. */
export interface Classified {
  readonly code: string;
  readonly retryable: boolean;
}

/** Driver codes and SQLSTATEs that mean: the server is away, stopping, starting, or not ready for this service. */
const UNAVAILABLE = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'CONNECTION_CLOSED',
  'CONNECTION_ENDED',
  'CONNECTION_DESTROYED',
  'CONNECT_TIMEOUT',
  '25006', // read_only_sql_transaction: a standby answers during a failover
  '3D000', // invalid_catalog_name: the database is not made yet
  '57P01', // admin_shutdown
  '57P02', // crash_shutdown
  '57P03', // cannot_connect_now
]);

/** Classes of SQLSTATE, their first two letters, that say nothing about the data at hand. */
const UNAVAILABLE_CLASSES = new Set([
  '08', // connection exception
  '28', // invalid authorization: a password that is being changed
  '42', // undefined table or missing privilege: not migrated yet
  '53', // insufficient resources: disk, memory, connections
  '58', // system error: I/O
  'XX', // internal error
]);

/** SQLSTATEs of one transaction's bad luck: the same work can succeed at once. */
const CONTENTION = new Set([
  '40001', // serialization_failure
  '40P01', // deadlock_detected
  '55P03', // lock_not_available
  '57014', // query_canceled, by statement_timeout
  '25P03', // idle_in_transaction_session_timeout
]);

export type DatabaseFault = 'unavailable' | 'contention' | 'other';

/**
 * Tells what a database error means for the caller, by SQLSTATE (Postgres documentation, appendix A) or the driver's
 * code, looking through wrapped errors.
 *
 * @returns undefined when the error is none of the database
 */
export function databaseFault(error: unknown): DatabaseFault | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const code = 'code' in cause ? String(cause.code) : '';
    if (UNAVAILABLE.has(code)) return 'unavailable';
    if (CONTENTION.has(code)) return 'contention';
    if (cause.name !== 'PostgresError') continue;
    return UNAVAILABLE_CLASSES.has(code.slice(0, 2)) ? 'unavailable' : 'other';
  }
  return undefined;
}
