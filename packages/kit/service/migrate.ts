import { fileURLToPath } from 'node:url';
import { sql } from 'drizzle-orm';
import type { EventType } from '../contract/contract.ts';
import { errorCode } from '../errors.ts';
import { guardOutbox, makePublication } from '../outbox/guard-outbox.ts';
import { openDriver, type Sql } from '../postgres/open-driver.ts';
import { type Migrations, onClient, runMigrations } from '../postgres/run-migrations.ts';
import { scramVerifier } from '../postgres/scram-verifier.ts';
import { checkSession, sessionSettings } from '../postgres/session.ts';
import { type RetryOptions, retry } from '../retry.ts';

/** What a service's database is made of. */
export interface MigrationPlan {
  host: string;
  port: number;
  /** Whether to speak TLS and check the server's certificate; no when not given. */
  ssl?: boolean;
  /** Password of the superuser `postgres`; used by migrations only, never by a running service. */
  adminPassword: string;
  database: string;
  /** Password of `<database>_app`, the role that the service logs in with. */
  appPassword: string;
  /** Password of `cdc`, when Debezium reads this database. */
  cdcPassword?: string;
  /** Password of `observer`, who may look; without one it cannot log in. */
  observerPassword?: string;
  /** Password of `dlq_operator`, which may close dead letters; without one it cannot log in. */
  dlqOperatorPassword?: string;
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
export function folderBeside(moduleUrl: string, folder: string): string {
  return fileURLToPath(new URL(folder, moduleUrl));
}

/**
 * Brings a service's database to its newest shape: roles, database, then every migration that has not run yet. Safe to
 * run again, and from several places at once.
 *
 * Roles: `<database>_owner` owns the tables and cannot log in; `<database>_app` is what the service uses; `cdc` may
 * replicate, and read what a migration grants it; `observer` and `dlq_operator` are the console's.
 *
 * @throws the driver's error when the server is away or a migration fails; a failed migration leaves nothing behind
 */
export async function migrateDatabase(plan: MigrationPlan): Promise<void> {
  // Lists, which the driver's types lack: of a text it takes what is before the first colon of an IPv6 address.
  const address: object = { host: [plan.host], port: [plan.port] };
  const server = {
    ...address,
    ssl: plan.ssl ? ('verify-full' as const) : false,
    username: 'postgres',
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
  try {
    await checkSession(admin);
    await makeRolesAndDatabase(admin, plan);
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
    for (const each of plan.migrations) await retry(() => runMigrations(db, each), UNLESS_LOCKED);
    const { publishes } = plan;
    if (!publishes) return;
    await retry(() => guardOutbox(db, publishes.events), UNLESS_LOCKED);
    await retry(() => makePublication(db, publishes.publication), UNLESS_LOCKED);
  } finally {
    await owner.end();
  }
}

async function makeRolesAndDatabase(admin: Sql, plan: MigrationPlan): Promise<void> {
  const owner = `${plan.database}_owner`;
  const app = `${plan.database}_app`;
  // Roles are shared by the whole server, and services migrate side by side.
  await admin`select pg_advisory_lock(hashtext('walpost.roles'))`;
  await makeRole(admin, owner, 'NOLOGIN');
  await makeRole(admin, app, 'LOGIN', plan.appPassword);
  if (plan.cdcPassword) await makeRole(admin, 'cdc', 'LOGIN REPLICATION', plan.cdcPassword);
  // Made without a password too: the migrations grant to them.
  await makeRole(admin, 'observer', 'LOGIN', plan.observerPassword);
  await renameRole(admin, 'letters', 'dlq_operator');
  await makeRole(admin, 'dlq_operator', 'LOGIN', plan.dlqOperatorPassword);
  await admin`alter role observer set default_transaction_read_only = on`;
  const [found] = await admin`select from pg_database where datname = ${plan.database}`;
  // Not of template1, which cannot be copied while somebody is logged in there.
  if (!found) await admin`create database ${admin(plan.database)} owner ${admin(owner)} template template0`;
  await admin`revoke connect, temporary on database ${admin(plan.database)} from public`;
  await admin`grant connect on database ${admin(plan.database)} to ${admin(app)}, observer, dlq_operator`;
  if (plan.cdcPassword) await admin`grant connect on database ${admin(plan.database)} to cdc`;
}

/** Gives a role its new name. It keeps its grants, and a password of SCRAM; one of MD5 is lost, and has to be set again. */
async function renameRole(admin: Sql, former: string, role: string): Promise<void> {
  const found = await admin`select rolname from pg_roles where rolname in (${former}, ${role})`;
  if (found.length !== 1 || found[0]?.['rolname'] !== former) return;
  await admin.unsafe(`alter role "${former}" rename to "${role}"`);
}

async function makeRole(admin: Sql, role: string, options: string, password?: string): Promise<void> {
  const [found] = await admin`select from pg_roles where rolname = ${role}`;
  if (!found) await admin.unsafe(`create role "${role}" ${options}`);
  if (!password) return;
  // Beyond ASCII only the server knows which letters are the same.
  const secret = /^[ -~]*$/.test(password) ? scramVerifier(password) : password.replaceAll("'", "''");
  // It may have been changed in the configuration since.
  await admin.unsafe(`alter role "${role}" password '${secret}'`);
}
