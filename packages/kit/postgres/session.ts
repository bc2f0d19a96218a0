import type postgres from 'postgres';
import { ConfigError, errorCode } from '../errors.ts';
import { messageOf } from '../telemetry/describe-error.ts';

/** How long a statement may last, ms. Above it the caller learns of it instead of hanging. */
export const STATEMENT_TIMEOUT = 15_000;
/** How long it waits for a lock, ms: less, so that a lock that is held shows as 55P03, and not as a slow statement. */
const LOCK_TIMEOUT = 3_000;

/** A setting that no role can have: with it a session has been started by this process, and no other one. */
const MARK = 'walpost.session';

export interface SessionOptions {
  /** Shown in `pg_stat_activity`. */
  applicationName: string;
  /** Of a role that may only look. */
  readOnly?: boolean;
  /** How long a statement waits for a lock, ms; 3,000 when not given, and always less than a statement may last. */
  lockTimeout?: number;
  /** A pooler takes none of a session's settings: the role has them, as `roleSettings` says. */
  pooler?: boolean;
}

/**
 * What every session sets: all that a statement, the driver, or the promise behind a 201 relies on. They go with the
 * start of the connection, and so win over what the server, the database or the role has been given (`ALTER ROLE … SET`).
 *
 * @param more of this session alone
 */
export function sessionSettings(
  { applicationName, readOnly, lockTimeout, pooler }: SessionOptions,
  more: Record<string, string> = {},
): Partial<postgres.ConnectionParameters> {
  const settings: Record<string, string> = {
    application_name: applicationName,
    ...(pooler ? {} : { ...roleSettings({ readOnly, lockTimeout }), [MARK]: 'on' }),
    ...more,
  };
  // As text: the driver passes over a 0 and a false, which its types ask for.
  return settings as unknown as postgres.ConnectionParameters;
}

/** The settings that a role must have whose sessions a pooler makes. */
export function roleSettings({
  readOnly,
  lockTimeout,
}: {
  readOnly?: boolean | undefined;
  lockTimeout?: number | undefined;
}): Record<string, string> {
  return {
    search_path: 'public',
    // What was acknowledged is on the disk.
    synchronous_commit: 'on',
    default_transaction_isolation: 'read committed',
    default_transaction_read_only: readOnly ? 'on' : 'off',
    default_transaction_deferrable: 'off',
    row_security: 'on',
    // How the driver and Drizzle read and write values.
    TimeZone: 'UTC',
    DateStyle: 'ISO, MDY',
    IntervalStyle: 'postgres',
    bytea_output: 'hex',
    extra_float_digits: '1',
    standard_conforming_strings: 'on',
    array_nulls: 'on',
    statement_timeout: String(STATEMENT_TIMEOUT),
    lock_timeout: String(lockTimeout ?? LOCK_TIMEOUT),
    transaction_timeout: '0',
    idle_session_timeout: '0',
    // A client that vanished in the middle of a transaction must not keep its locks.
    idle_in_transaction_session_timeout: '60000',
  };
}

/**
 * Asks whether the session has its settings. A pooler such as PgBouncer refuses them or, told to, ignores them; it may
 * also give each transaction another server process, which the driver's prepared statements do not know of.
 *
 * @param pooler whether one is meant to be there: then the role has to have the settings
 * @throws {ConfigError} when it has not
 * @throws the driver's error when the server is away
 */
export async function checkSession(client: postgres.Sql, pooler = false): Promise<void> {
  const [row] = await client<{ path: string; lock: string; own: boolean; me: string }[]>`
    select current_setting('search_path') as path, current_setting('lock_timeout') as lock,
      current_setting(${MARK}, true) = 'on' as own, current_user as me`.catch(explain);
  const isSet = row?.path === 'public' && row.lock !== '0';
  if (pooler && !isSet)
    throw new ConfigError(
      `Configuration: POSTGRES_POOLER is transaction, and the role ${row?.me} has not the settings of a session: a walpost migrate with POSTGRES_POOLER=transaction and the server's own address gives it them.`,
    );
  if (!pooler && !(isSet && row.own)) throw new PoolerError('it ignores the settings of a session');
}

/** A session that was refused as a pooler does, in words that say so. */
function explain(error: unknown): never {
  const reason = messageOf(error);
  // protocol_violation; the class is Postgres's own for connections that fail.
  if (errorCode(error) === '08P01' && reason.includes('startup parameter'))
    throw new PoolerError(reason, { cause: error });
  throw error;
}

/** Somebody is between this process and the server. */
class PoolerError extends ConfigError {
  readonly retryable = false;

  constructor(reason: string, options?: ErrorOptions) {
    super(
      `Configuration: POSTGRES_HOST and POSTGRES_PORT, or <NAME>_DATABASE_URL, lead to PgBouncer or another pooler (${reason}): give the address of the Postgres server itself, or set POSTGRES_POOLER=transaction for the services, after a walpost migrate with it and the server's own address. Each process keeps a few connections of its own; Walpost’s docs/operations.md says how many.`,
      options,
    );
  }
}
