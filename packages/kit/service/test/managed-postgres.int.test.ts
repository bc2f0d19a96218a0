import { afterAll, beforeAll, expect, test } from '@jest/globals';
import postgres from 'postgres';
import { setting } from 'walpost/testing/support';
import { type TestStack, testStack } from 'walpost/testing/test-stack';
import system from '../../../../walpost.config.ts';
import { openDatabase } from '../../postgres/database.ts';
import { migrateService } from '../run-migration.ts';

// A server of its own: the roles cdc, observer and dlq_operator of the shared one belong to its superuser.
let stack: TestStack;
let superuser: postgres.Sql;
beforeAll(async () => {
  stack = await testStack(['postgres']);
  superuser = postgres({
    ...server(),
    username: 'postgres',
    password: setting(stack.env, 'POSTGRES_PASSWORD'),
  });
}, 120_000);
afterAll(async () => {
  await superuser?.end();
  await stack?.close();
});

function server() {
  return {
    host: '127.0.0.1',
    port: Number(setting(stack.env, 'POSTGRES_PORT')),
    max: 1,
    onnotice: () => undefined,
  };
}

/** Migrates as a role that may log in, and make roles and databases, and no more. */
const migrate = (service: string) =>
  migrateService(system, process.cwd(), service, {
    ...stack.env,
    POSTGRES_USER: 'master',
    POSTGRES_PASSWORD: 'of-the-master',
  });

test('a master that is no superuser migrates every service, twice, and is told what it could not do', async () => {
  await superuser`create role master login createrole createdb password 'of-the-master'`;
  const told = [];
  for (const { name } of [...system.services, ...system.services]) told.push(await migrate(name));
  const replication = expect.stringMatching(/^the role cdc may not replicate.*walpost roles --for/);
  expect(told).toEqual([
    [replication],
    [replication],
    [replication],
    [],
    [replication],
    [replication],
    [replication],
    [],
  ]);

  for (const { database, passwordVariable } of system.services) {
    for (const [user, variable] of [
      [`${database}_app`, passwordVariable],
      ['observer', 'OBSERVER_PASSWORD'],
      ['dlq_operator', 'DLQ_OPERATOR_PASSWORD'],
    ] as const) {
      const { host, port } = server();
      const password = setting(stack.env, variable);
      const { ping, close } = openDatabase({ host, port, database, user, password, applicationName: 'test' });
      await ping().finally(close);
    }
  }
  const owners = await superuser`
    select datname as name, pg_get_userbyid(datdba) as owner from pg_database where datname = 'orders'`;
  expect([...owners]).toEqual([{ name: 'orders', owner: 'orders_owner' }]);
});

test('cdc replicates as soon as the master may give it that', async () => {
  await superuser`alter role master replication`;
  expect(await migrate('order')).toEqual([]);
  const [cdc] = await superuser`select rolreplication as may from pg_roles where rolname = 'cdc'`;
  expect(cdc).toEqual({ may: true });
});

test('where rds_replication is there for it, cdc replicates by that', async () => {
  await superuser`alter role cdc noreplication`;
  await superuser`alter role master noreplication`;
  await superuser`create role rds_replication`;
  await superuser`grant rds_replication to master with admin option`;
  try {
    expect(await migrate('order')).toEqual([]);
    const [cdc] = await superuser`select pg_has_role('cdc', 'rds_replication', 'member') as member`;
    expect(cdc).toEqual({ member: true });
  } finally {
    await superuser`drop role rds_replication`;
    await superuser`alter role cdc replication`;
  }
});

test('a database that is another master’s is not touched', async () => {
  await superuser`create role stranger login createrole createdb password 'of-the-master'`;
  const migrating = migrateService(system, process.cwd(), 'order', {
    ...stack.env,
    POSTGRES_USER: 'stranger',
    POSTGRES_PASSWORD: 'of-the-master',
  });
  await expect(migrating).rejects.toThrow(
    'the role orders_owner is there, and stranger may not act as it; who made it can say: GRANT "orders_owner" TO "stranger"',
  );
});

test('a role that somebody else made keeps its password, and that is said', async () => {
  await superuser`create role other login createrole createdb password 'of-the-master'`;
  await superuser`drop database payments with (force)`;
  await superuser`drop role payments_app, payments_owner`;
  const told = await migrateService(system, process.cwd(), 'payment', {
    ...stack.env,
    POSTGRES_USER: 'other',
    POSTGRES_PASSWORD: 'of-the-master',
  });
  expect(told).toEqual(
    ['cdc', 'observer', 'dlq_operator'].map((role) =>
      expect.stringMatching(
        new RegExp(`^the role ${role} is not other's to change.*GRANT "${role}" TO "other"`),
      ),
    ),
  );
});
