import { fileURLToPath } from 'node:url';
import { sql } from 'drizzle-orm';
import type { EventType } from '../contract/contract.ts';
import { errorCode } from '../errors.ts';
import { guardOutbox, makePublication } from '../outbox/guard-outbox.ts';
import { openDriver } from '../postgres/open-driver.ts';
import { type Migrations, onClient, runMigrations } from '../postgres/run-migrations.ts';
import { type PostgresServer, tlsOptions } from '../postgres/server.ts';
import { checkSession, sessionSettings } from '../postgres/session.ts';
import { type RetryOptions, retry } from '../retry.ts';
import { makeRolesAndDatabase, type RolePlan } from './make-roles.ts';

/** What a service's database is made of. */
export interface MigrationPlan extends RolePlan, PostgresServer {
  /** Who makes roles and databases, a superuser or not; `postgres` when not given. Used by migrations only. */
  adminUser?: string;
  adminPassword: string;
  /** The events that it publishes: its outbox takes no others, and Debezium reads it by this publication. */
  publishes?: { publication: string; events: readonly EventType[] };
  /** Folders of migrations in the order in which they run. */
  migrations: Migrations[];
}

/** For how long somebody else may be at work on the same roles and databases, ms. */
const TURN_WITHIN = 600_000;
/** How long a migration waits for a lock, ms: whoever uses the table queues behind it meanwhile. */
const LOCK_TIMEOUT = 3_000;
/** A migration, which is one transaction, runs again when somebody held a lock that it needs. */
const UNLESS_LOCKED: RetryOptions = { seconds: 120, retryable: (error) => errorCode(error) === '55P03' };

/** The kit's own tables: the outbox of a service that publishes, the inbox of one that consumes. */
export const kitMigrations = {
  outbox: { name: 'kit_outbox', folder: folderBeside(import.meta.url, '../outbox/migrations') },
  inbox: { name: 'kit_inbox', folder: folderBeside(import.meta.url, '../consumer/migrations') },
};

/** A folder beside a module. @param moduleUrl the module's `import.meta.url` */
function folderBeside(moduleUrl: string, folder: string): string {
  return fileURLToPath(new URL(folder, moduleUrl));
}

/**
 * Brings a service's database to its newest shape: roles, database, then every migration that has not run yet. Safe to
 * run again, and from several places at once.
 *
 * Roles: `<database>_owner` owns the tables and cannot log in; `<database>_app` is what the service uses; `cdc` may
 * replicate, and read what a migration grants it; `observer` and `dlq_operator` are the console's.
 *
 * @returns what is left to do, by an administrator of the server or in an edited file, a sentence for each
 * @throws {ConfigError} when a role is in the way
 * @throws the driver's error when the server is away or a migration fails; a failed migration leaves nothing behind
 */
export async function migrateDatabase(plan: MigrationPlan): Promise<string[]> {
  // Lists, which the driver's types lack: of a text it takes what is before the first colon of an IPv6 address.
  const address: object = { host: [plan.host], port: [plan.port] };
  const server = {
    ...address,
    ssl: tlsOptions(plan) ?? false,
    username: plan.adminUser ?? 'postgres',
    password: plan.adminPassword,
    max: 1,
    onnotice: () => undefined,
  };
  const session = (more: Record<string, string>) =>
    sessionSettings(
      { applicationName: 'walpost-migrate', lockTimeout: TURN_WITHIN },
      { statement_timeout: '0', ...more },
    );
  const admin = openDriver({
    ...server,
    database: 'postgres',
    connection: session({ password_encryption: 'scram-sha-256' }),
  });
  let undone: string[];
  try {
    await checkSession(admin);
    undone = await makeRolesAndDatabase(admin, plan);
  } finally {
    await admin.end();
  }
  const owner = openDriver({
    ...server,
    database: plan.database,
    connection: session({ role: `${plan.database}_owner` }),
  });
  try {
    const db = onClient(owner);
    await db.execute(sql`select pg_advisory_lock(hashtext('walpost.migrate'))`);
    await db.execute(sql.raw(`set lock_timeout = ${LOCK_TIMEOUT}`));
    for (const each of plan.migrations)
      undone.push(...(await retry(() => runMigrations(db, each), UNLESS_LOCKED)));
    const { publishes } = plan;
    if (!publishes) return undone;
    await retry(() => guardOutbox(db, publishes.events), UNLESS_LOCKED);
    await retry(() => makePublication(db, publishes.publication), UNLESS_LOCKED);
    return undone;
  } finally {
    await owner.end();
  }
}
