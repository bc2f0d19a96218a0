/** Errors of this kit say what kind they are, and whether trying again can help. */
export interface Classified {
  readonly code: string;
  readonly retryable: boolean;
}

/** A configuration that cannot be used; the message names every place or variable that is wrong. */
export class ConfigError extends Error {
  readonly code = 'CONFIG_INVALID';
}

/** So much is waiting that more would only wait too: the caller is to come back, and nothing was done. */
export class BusyError extends Error implements Classified {
  readonly code = 'busy';
  readonly retryable = true;
}

/**
 * What an error of the database, or of a connection, means for the work that met it:
 * - `unavailable`: the server is away, full, or not set up for this service; nothing is wrong with the work
 * - `contention`: one transaction's bad luck, or a statement that was prepared for a table's former shape: the same work
 *   succeeds in a fresh transaction, sooner or later
 * - `timeout`: it took too long, which may be the fault of the work itself
 * - `other`: the statement, or what it was given, is at fault
 */
export type DatabaseFault = 'unavailable' | 'contention' | 'timeout' | 'other';

/**
 * SQLSTATEs (Postgres documentation, appendix A), by code or by class, their first two characters. What is not named is
 * `other`: 42 and 22 as a whole, for example, for a statement that is wrong does not get right by waiting.
 */
const SQLSTATES: Record<string, DatabaseFault> = {
  '08': 'unavailable', // connection exception; also how PgBouncer says that its server is away
  '25006': 'unavailable', // read_only_sql_transaction: a standby answers during a failover
  // in_failed_sql_transaction, without the failure itself: the driver sends a stale statement again, behind those that were
  // sent together with it, and they are heard of first.
  '25P02': 'contention',
  '25P03': 'timeout', // idle_in_transaction_session_timeout
  '25P04': 'timeout', // transaction_timeout
  '26000': 'unavailable', // invalid_sql_statement_name: a pooler gave the session to another server connection
  '28': 'unavailable', // invalid authorization: a password that is being changed
  '3D000': 'unavailable', // invalid_catalog_name: the database is not made yet
  '3F000': 'unavailable', // invalid_schema_name: not migrated yet
  '40': 'contention', // transaction rollback: 40001 serialization_failure, 40P01 deadlock_detected
  '40002': 'other', // transaction_integrity_constraint_violation
  '40003': 'unavailable', // statement_completion_unknown
  '42501': 'unavailable', // insufficient_privilege: the grant is not there yet
  '42P01': 'unavailable', // undefined_table: not migrated yet
  '42P05': 'unavailable', // duplicate_prepared_statement: a pooler, as above
  '53': 'unavailable', // insufficient resources: disk, memory, connections
  '55006': 'contention', // object_in_use
  '55P03': 'contention', // lock_not_available: lock_timeout
  '55P04': 'contention', // unsafe_new_enum_value_usage: the migration that adds it is not committed yet
  '57': 'unavailable', // operator intervention: the server stops, starts, or drops the database
  '57014': 'timeout', // query_canceled: statement_timeout
  '58': 'unavailable', // system error: I/O
  '72000': 'contention', // snapshot_too_old
  F0: 'unavailable', // configuration file error
  HV00N: 'unavailable', // fdw_unable_to_establish_connection
  // internal_error: concurrent DDL ("cache lookup failed"), or a bug of the server that this very statement meets. The
  // first goes away, the second does not: a bounded number of attempts.
  XX000: 'timeout',
  XX: 'unavailable', // XX001 data_corrupted, XX002 index_corrupted: no fault of the event; a person has to repair
};

/** The one 0A000 that a fresh statement cures. Messages are in the server's language, this name is not. */
const STALE_PLAN = 'RevalidateCachedQuery';

/** Codes of Node, its resolver, OpenSSL, undici and the driver that mean: a connection cannot be made, or has ended. */
const CONNECTION = new Set([
  ...['EADDRINUSE', 'EADDRNOTAVAIL', 'EAGAIN', 'EALREADY', 'EBADF', 'EBUSY', 'ECANCELED', 'ECONNABORTED'],
  ...[
    'ECONNREFUSED',
    'ECONNRESET',
    'EDQUOT',
    'EHOSTDOWN',
    'EHOSTUNREACH',
    'EINTR',
    'EIO',
    'EISCONN',
    'EMFILE',
  ],
  ...['ENETDOWN', 'ENETRESET', 'ENETUNREACH', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'ENONET', 'ENOSPC', 'ENOTCONN'],
  ...['EPIPE', 'EPROTO', 'ESHUTDOWN', 'ETIME', 'ETIMEDOUT'],
  ...['ENOTFOUND', 'ENODATA', 'ESERVFAIL', 'EREFUSED', 'ETIMEOUT', 'ECANCELLED', 'EDESTRUCTION', 'EBADRESP'],
  ...['CONNECTION_CLOSED', 'CONNECTION_ENDED', 'CONNECTION_DESTROYED', 'CONNECT_TIMEOUT'],
  ...[
    'SASL_SIGNATURE_MISMATCH',
    'ERR_STREAM_DESTROYED',
    'ERR_STREAM_PREMATURE_CLOSE',
    'ERR_STREAM_WRITE_AFTER_END',
  ],
  ...['DEPTH_ZERO_SELF_SIGNED_CERT', 'HOSTNAME_MISMATCH', 'INVALID_CA', 'INVALID_PURPOSE'],
  ...['PATH_LENGTH_EXCEEDED', 'SELF_SIGNED_CERT_IN_CHAIN', 'OUT_OF_MEM'],
]);
/** What fails in these calls of the system is a connection, whatever it fails with: EPERM of a full connection table. */
const CONNECTING = new Set(['connect', 'getaddrinfo']);
/** The same by family: name resolution, TLS, certificates, sockets, fetch. What a caller did wrong is none of them. */
const CONNECTION_FAMILY =
  /^(?:EAI_|ERR_TLS_|ERR_SSL_|ERR_SOCKET_(?!BAD_)|CERT_|CRL_|ERROR_IN_C(?:ERT|RL)_|UNABLE_TO_|UND_ERR_(?!INVALID_|NOT_SUPPORTED|REQ_))/;

/**
 * Tells what an error of the database, or of any connection, means for the caller, looking through wrapped errors.
 *
 * @returns undefined when the error is neither
 */
export function databaseFault(error: unknown): DatabaseFault | undefined {
  for (const cause of causes(error)) {
    const code = String(cause.code ?? '');
    if (cause.name === 'PostgresError') {
      if (code === '0A000' && cause.routine === STALE_PLAN) return 'contention';
      return SQLSTATES[code] ?? SQLSTATES[code.slice(0, 2)] ?? 'other';
    }
    if (CONNECTION.has(code) || CONNECTION_FAMILY.test(code) || CONNECTING.has(String(cause.syscall)))
      return 'unavailable';
    if (cause.name === 'TimeoutError') return 'unavailable';
  }
  return undefined;
}

/** What an error may have, whichever library threw it. */
export interface AnyError {
  name?: unknown;
  message?: unknown;
  stack?: unknown;
  code?: unknown;
  cause?: unknown;
  errors?: unknown;
  retryable?: unknown;
  routine?: unknown;
  syscall?: unknown;
  [field: string]: unknown;
}

/** How far an error is followed: one that is its own cause has no end. */
const DEPTH = 10;

/** An error, what caused it, and so on; of several errors in one the first. */
export function* causes(error: unknown): Generator<AnyError> {
  let next = error;
  for (let depth = 0; depth < DEPTH && typeof next === 'object' && next !== null; depth++) {
    const each = next as AnyError;
    yield each;
    next = each.cause ?? (Array.isArray(each.errors) ? each.errors[0] : undefined);
  }
}

/** The most specific code of an error: its own, or that of what caused it. */
export function errorCode(error: unknown): string {
  for (const { code } of causes(error)) if (typeof code === 'string') return code;
  const [own] = causes(error);
  return typeof own?.name === 'string' ? own.name : 'unknown';
}

/** Whether Postgres refused a value itself, by SQLSTATE class 22 (data exception): out of range, or no text. */
export function isRefusedValue(error: unknown): boolean {
  for (const { name, code } of causes(error)) {
    if (name === 'PostgresError') return String(code).startsWith('22');
  }
  return false;
}
