import { randomBytes, randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { type Database, type DatabaseOptions, openDatabase } from '@walpost/kit/postgres/database';
import { kitMigrations, migrateDatabase } from '@walpost/kit/service/migrate';
import postgres from 'postgres';
import system from '../../walpost.config.ts';

export type TestService = 'orders' | 'payments' | 'inventory' | 'notifications';

/** A service's database, migrated as in production, under a name of its own. */
export interface TestDatabase extends Database {
  /** One more pool, as another process of the service would have. Closed with the database. */
  openAnother(): Database;
  /** How a process of the service connects. */
  options: DatabaseOptions;
  /** The superuser, for what a service is not allowed to do. */
  admin: postgres.Sql;
  name: string;
  /** Closes every connection, and drops the database and its roles. */
  close(): Promise<void>;
}

const serviceOf = (database: TestService) => system.services.find((each) => each.database === database);

/**
 * Makes a fresh database on the Postgres that POSTGRES_HOST, POSTGRES_PORT and POSTGRES_PASSWORD describe, as Jest's
 * global setup sets them.
 */
export async function openTestDatabase(service: TestService): Promise<TestDatabase> {
  const host = variable('POSTGRES_HOST');
  const port = Number(variable('POSTGRES_PORT'));
  const adminPassword = variable('POSTGRES_PASSWORD');
  const name = `${service}_${randomBytes(6).toString('hex')}`;
  const appPassword = randomUUID();
  const { publishes, migrations } = serviceOf(service) ?? {};
  const folder = fileURLToPath(new URL(`../../${migrations}`, import.meta.url));
  const plan = {
    host,
    port,
    adminPassword,
    database: name,
    appPassword,
    observerPassword: variable('OBSERVER_PASSWORD'),
    dlqOperatorPassword: variable('DLQ_OPERATOR_PASSWORD'),
    ...(publishes && {
      publishes: { publication: publishes.slot, events: system.contract.eventsOf(publishes.topic) },
      cdcPassword: variable('CDC_PASSWORD'),
    }),
    migrations: [
      ...(publishes ? [kitMigrations.outbox] : []),
      kitMigrations.inbox,
      { name: service, folder, grantTo: `${name}_app` },
    ],
  };
  await migrateDatabase(plan);

  const server = { host, port, username: 'postgres', password: adminPassword, onnotice: () => undefined };
  const admin = postgres({ ...server, database: name, max: 1 });
  const opened: Database[] = [];
  const user = `${name}_app`;
  const options = { host, port, database: name, user, password: appPassword, applicationName: 'test' };
  const openAnother = () => {
    const database = openDatabase(options);
    opened.push(database);
    return database;
  };

  return {
    ...openAnother(),
    openAnother,
    options,
    admin,
    name,
    async close() {
      await Promise.all(opened.map((database) => database.close()));
      await admin.end();
      const cleaner = postgres({ ...server, database: 'postgres', max: 1 });
      try {
        await cleaner`drop database ${cleaner(name)} with (force)`;
        await cleaner`drop role ${cleaner(`${name}_app`)}, ${cleaner(`${name}_owner`)}`;
      } finally {
        await cleaner.end();
      }
    },
  };
}

function variable(name: string): string {
  const value = process.env[name];
  if (!value)
    throw new Error(`${name} is not set: integration tests run with Jest's global setup, by npm test`);
  return value;
}
