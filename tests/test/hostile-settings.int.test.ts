import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { openDatabase } from '@walpost/kit/postgres/database';
import { kitMigrations, migrateDatabase } from '@walpost/kit/service/migrate';
import postgres from 'postgres';
import { eventually } from 'walpost/testing/support';
import { openTestDatabase, type TestDatabase, type TestService } from '../stack/database.ts';
import { serviceWork } from '../stack/service-work.ts';

/** What somebody may have given a role or a database for reasons of their own. */
const SETTINGS: [string, string][] = [
  ['search_path', 'elsewhere'],
  ['default_transaction_isolation', 'serializable'],
  ['default_transaction_read_only', 'on'],
  ['default_transaction_deferrable', 'on'],
  ['DateStyle', 'SQL, DMY'],
  ['IntervalStyle', 'sql_standard'],
  ['TimeZone', 'Asia/Seoul'],
  ['bytea_output', 'escape'],
  ['extra_float_digits', '-15'],
  ['standard_conforming_strings', 'off'],
  ['array_nulls', 'off'],
  ['statement_timeout', '1'],
  ['lock_timeout', '1'],
  ['transaction_timeout', '1'],
  ['idle_session_timeout', '1'],
  ['idle_in_transaction_session_timeout', '1'],
  ['synchronous_commit', 'off'],
  ['row_security', 'off'],
  ['client_min_messages', 'debug1'],
  ['lc_messages', 'C'],
  ['plan_cache_mode', 'force_generic_plan'],
];

let database: TestDatabase | undefined;
afterEach(() => database?.close());

describe.each(['role', 'database'] as const)('settings of a %s', (kind) => {
  test.each(['orders', 'payments', 'inventory', 'notifications'] as TestService[])(
    'do not reach the sessions of %s',
    async (service) => {
      database = await openTestDatabase(service);
      const { admin, name, options } = database;
      const expected = await serviceWork[service](database.db);
      const owner = kind === 'role' ? `role "${name}_app"` : `database "${name}"`;
      await admin.unsafe(`create schema elsewhere; grant usage on schema elsewhere to public`);
      for (const [setting, value] of SETTINGS) {
        // A list is given as it is: quoted it would be one name.
        await admin.unsafe(`alter ${owner} set ${setting} = ${value.includes(',') ? value : `'${value}'`}`);
      }
      const fresh = openDatabase(options);
      try {
        await fresh.ping();
        expect(await serviceWork[service](fresh.db)).toEqual(expected);
        const [row] = await fresh.db.execute("select current_setting('synchronous_commit') as durable");
        expect(row).toEqual({ durable: 'on' });
      } finally {
        await fresh.close();
      }
    },
  );
});

/** How a superuser gets to another database of the same server. */
function superuser({ options: { host, port } }: TestDatabase, name: string): postgres.Sql {
  const password = process.env['POSTGRES_PASSWORD'] ?? '';
  return postgres({ host, port, username: 'postgres', password, database: name, max: 1 });
}

test('they do not reach migrations', async () => {
  database = await openTestDatabase('notifications');
  const { admin, name, options } = database;
  await admin`create schema elsewhere`;
  for (const [setting, value] of SETTINGS) {
    const text = value.includes(',') ? value : `'${value}'`;
    await admin.unsafe(`alter role postgres in database "${name}" set ${setting} = ${text}`);
  }
  const { host, port, password: appPassword } = options;
  await migrateDatabase({
    host,
    port,
    adminPassword: process.env['POSTGRES_PASSWORD'] ?? '',
    database: name,
    appPassword,
    migrations: [kitMigrations.outbox],
  });
  const tables =
    await admin`select schemaname as schema, tableowner as owner from pg_tables where tablename = 'outbox'`;
  expect([...tables]).toEqual([{ schema: 'public', owner: `${name}_owner` }]);
});

test('a server that logs statements learns no password', async () => {
  database = await openTestDatabase('notifications');
  const { admin, name, options } = database;
  const { host, port, password } = options;
  await admin.unsafe(`alter role postgres set log_statement = 'all'`);
  try {
    const adminPassword = process.env['POSTGRES_PASSWORD'] ?? '';
    await migrateDatabase({
      host,
      port,
      adminPassword,
      database: name,
      appPassword: password,
      migrations: [],
    });
  } finally {
    await admin`alter role postgres reset log_statement`;
  }
  const log = await readFile(join(process.env['WALPOST_TEST_DATA'] ?? '', 'logs', 'postgres.log'), 'utf8');
  expect(log).toContain(`alter role "${name}_app" password`);
  expect(log).not.toContain(password);
  // And it works all the same.
  await openDatabase(options).ping();
});

test('a database is made while somebody is logged in to template1', async () => {
  database = await openTestDatabase('orders');
  const visitor = superuser(database, 'template1');
  try {
    await visitor`select 1`;
    const second = await openTestDatabase('orders');
    await second.close();
  } finally {
    await visitor.end();
  }
});

test('a migration that meets a lock gives way to those who queue behind it, and is made when the lock is gone', async () => {
  database = await openTestDatabase('notifications');
  const { admin, name, options } = database;
  const holder = superuser(database, name);
  const folder = await mkdtemp(join(tmpdir(), 'walpost-migration-'));
  try {
    await writeFile(join(folder, '0000_add.sql'), 'ALTER TABLE emails ADD COLUMN note text;');
    let gaveWay: Promise<unknown> | undefined;
    let migrated: Promise<unknown> | undefined;
    await holder.begin(async (tx) => {
      await tx`lock table emails in row share mode`;
      migrated = migrateDatabase({
        host: options.host,
        port: options.port,
        adminPassword: process.env['POSTGRES_PASSWORD'] ?? '',
        database: name,
        appPassword: options.password,
        migrations: [{ name: 'note', folder }],
      });
      await eventually(async () => {
        const [waiting] =
          await admin`select from pg_locks where not granted and relation = 'emails'::regclass`;
        return waiting && true;
      });
      // It queues behind the migration, and is served when that gives up for a moment.
      gaveWay = admin`select count(*) from emails`;
      await gaveWay;
    });
    await migrated;
    expect(gaveWay).toBeDefined();
    const [column] = await admin`select from pg_attribute
      where attrelid = 'emails'::regclass and attname = 'note'`;
    expect(column).toBeDefined();
  } finally {
    await holder.end();
    await rm(folder, { recursive: true });
  }
});
