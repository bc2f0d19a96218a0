import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openTestDatabase, type TestDatabase, type TestService } from '../../../../tests/stack/database.ts';

const services: TestService[] = ['orders', 'payments', 'inventory', 'notifications'];
const databases: TestDatabase[] = [];

beforeAll(async () => {
  for (const service of services) databases.push(await openTestDatabase(service));
});
afterAll(() => Promise.all(databases.map((database) => database.close())));

/** Functions that run with their owner's rights and do not say where they look, or forget pg_temp. */
function unsafe(admin: TestDatabase['admin']) {
  return admin`
    select oid::regprocedure::text as name, proconfig from pg_proc
    where pronamespace not in (select oid from pg_namespace where nspname like 'pg\\_%' or nspname = 'information_schema')
      and prosecdef
      and not exists (select from unnest(proconfig) as setting where setting ~ '^search_path=pg_catalog, .*pg_temp$')`;
}

test('every function with its owner’s rights names where it looks, temporary tables last', async () => {
  for (const { admin, name } of databases) expect([name, [...(await unsafe(admin))]]).toEqual([name, []]);
});

test('a function without it is found', async () => {
  const { admin } = databases[0] as TestDatabase;
  await admin`create function careless() returns int language sql security definer as 'select 1'`;
  await admin`create function nearly() returns int language sql security definer
    set search_path = pg_catalog, public as 'select 1'`;
  expect((await unsafe(admin)).map(({ name }) => name)).toEqual(['careless()', 'nearly()']);
});
