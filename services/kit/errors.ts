/** Errors of this kit say what kind they are, and whether trying again can help. */
export interface Classified {
  readonly code: string;
  readonly retryable: boolean;
}

/** SQLSTATE classes and driver codes that mean: the server is away, stopping, starting, or has no room. */
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
  '08000', // connection_exception
  '08003', // connection_does_not_exist
  '08006', // connection_failure
  '25006', // read_only_sql_transaction: a standby answers during a failover
  '53300', // too_many_connections
  '57P01', // admin_shutdown
  '57P02', // crash_shutdown
  '57P03', // cannot_connect_now
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
    if (cause.name === 'PostgresError') return 'other';
  }
  return undefined;
}
