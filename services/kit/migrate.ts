import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { EventName } from '@walpost/schemas/contract';
import { sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/postgres-js';
import { migrate } from 'drizzle-orm/postgres-js/migrator';
import postgres from 'postgres';
import { guardOutbox } from './guard-outbox.js';

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
  /** Password of `letters`, who may settle dead letters; without one it cannot log in. */
  lettersPassword?: string;
  /** The events that it publishes: its outbox takes no others. */
  publishes?: readonly EventName[];
  /** Folders of migrations in the order in which they run; each keeps its own journal. */
  migrations: { name: string; folder: string }[];
}

/** The kit's own tables: the outbox of a service that publishes, the inbox of one that consumes. */
export const kitMigrations = {
  outbox: { name: 'kit_outbox', folder: packageFolder(import.meta.url, 'migrations/outbox') },
  inbox: { name: 'kit_inbox', folder: packageFolder(import.meta.url, 'migrations/inbox') },
};

/**
 * Finds a folder beside a module's source, from the source or from what was compiled of it into `dist/`.
 *
 * @param moduleUrl the module's `import.meta.url`
 */
export function packageFolder(moduleUrl: string, folder: string): string {
  const source = new URL(folder, moduleUrl.replace(/\/dist\/(?!.*\/dist\/)/, '/'));
  return fileURLToPath(existsSync(source) ? source : new URL(folder, moduleUrl));
}

/**
 * Brings a service's database to its newest shape: roles, database, then every migration that has not run yet. Safe to
 * run again, and from several places at once.
 *
 * Roles: `<database>_owner` owns the tables and cannot log in; `<database>_app` is what the service uses; `cdc` may
 * replicate, and read what a migration grants it; `observer` and `letters` are the console's.
 *
 * @throws the driver's error when the server is away or a migration fails; a failed migration leaves nothing behind
 */
export async function migrateDatabase(plan: MigrationPlan): Promise<void> {
  const server = {
    host: plan.host,
    port: plan.port,
    ssl: plan.ssl ? ('verify-full' as const) : false,
    username: 'postgres',
    password: plan.adminPassword,
    max: 1,
  };
  const quiet = { onnotice: () => undefined };
  const admin = postgres({ ...server, ...quiet, database: 'postgres' });
  try {
    await makeRolesAndDatabase(admin, plan);
  } finally {
    await admin.end();
  }
  const owner = postgres({
    ...server,
    ...quiet,
    database: plan.database,
    connection: { role: `${plan.database}_owner` },
  });
  try {
    const db = drizzle(owner);
    await db.execute(sql`select pg_advisory_lock(hashtext('walpost.migrate'))`);
    for (const { name, folder } of plan.migrations) {
      await migrate(db, { migrationsFolder: folder, migrationsSchema: 'migrations', migrationsTable: name });
    }
    if (plan.publishes?.length) await guardOutbox(db, plan.publishes);
  } finally {
    await owner.end();
  }
}

async function makeRolesAndDatabase(admin: postgres.Sql, plan: MigrationPlan): Promise<void> {
  const owner = `${plan.database}_owner`;
  const app = `${plan.database}_app`;
  // Roles are shared by the whole server, and services migrate side by side.
  await admin`select pg_advisory_lock(hashtext('walpost.roles'))`;
  await makeRole(admin, owner, 'NOLOGIN');
  await makeRole(admin, app, 'LOGIN', plan.appPassword);
  if (plan.cdcPassword) await makeRole(admin, 'cdc', 'LOGIN REPLICATION', plan.cdcPassword);
  // Made without a password too: the migrations grant to them.
  await makeRole(admin, 'observer', 'LOGIN', plan.observerPassword);
  await makeRole(admin, 'letters', 'LOGIN', plan.lettersPassword);
  await admin`alter role observer set default_transaction_read_only = on`;
  const [found] = await admin`select from pg_database where datname = ${plan.database}`;
  if (!found) await admin`create database ${admin(plan.database)} owner ${admin(owner)}`;
  await admin`revoke connect, temporary on database ${admin(plan.database)} from public`;
  await admin`grant connect on database ${admin(plan.database)} to ${admin(app)}, observer, letters`;
  if (plan.cdcPassword) await admin`grant connect on database ${admin(plan.database)} to cdc`;
}

async function makeRole(
  admin: postgres.Sql,
  role: string,
  options: string,
  password?: string,
): Promise<void> {
  const [found] = await admin`select from pg_roles where rolname = ${role}`;
  if (!found) await admin.unsafe(`create role "${role}" ${options}`);
  // A password may have been changed in the configuration since; it takes no parameter in this statement.
  if (password) await admin.unsafe(`alter role "${role}" password '${password.replaceAll("'", "''")}'`);
}
