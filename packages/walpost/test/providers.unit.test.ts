import { expect, test } from '@jest/globals';
import { defineConfig } from '@walpost/kit/config';
import { contract } from '../../../schemas/contract.generated.ts';
import { administratorSteps, providerNames, providerWith } from '../providers.ts';

const system = defineConfig({
  name: 'parcels',
  contract,
  services: {
    shop: { port: 3000, publishes: 'order-events' },
    tracking: { port: 3001, consumes: ['order-events'] },
  },
});

test.each(providerNames)('for %s: steps are comments, and the rest is one statement for cdc', (name) => {
  const lines = administratorSteps(system, name).split('\n');
  const statements = lines.filter((line) => !line.startsWith('--'));
  expect(statements).toHaveLength(1);
  expect(statements[0]).toMatch(/^(ALTER ROLE cdc|ALTER USER cdc|GRANT rds_replication TO cdc).*;$/);
  const steps = lines.join('\n');
  expect(steps).toContain('for parcels.');
  expect(steps).toContain('room for 1 more (shop_outbox)');
  expect(steps).toContain('the roles shop_app, tracking_app, observer, dlq_operator, cdc.');
  expect(steps).toMatch(/https:\/\//);
});

test.each([
  ['postgres', 'wal_level = logical'],
  ['rds', 'rds.logical_replication = 1'],
  ['aurora', 'rds.logical_replication = 1'],
  ['cloudsql', 'cloudsql.logical_decoding = on'],
  ['azure', 'wal_level = logical'],
  ['neon', 'wal_level = logical'],
] as const)('%s makes the log logical by %s', (name, parameter) => {
  expect(administratorSteps(system, name)).toContain(`\n--    ${parameter}\n`);
});

test('a server of one’s own, as it is printed', () => {
  expect(
    administratorSteps(system, 'postgres'),
  ).toBe(`-- What only an administrator can do on a Postgres server of your own, for parcels.
-- https://www.postgresql.org/docs/current/logicaldecoding-explanation.html
--
-- 1. Parameters: postgresql.conf, or ALTER SYSTEM; then restart the server.
--    wal_level = logical
--    max_replication_slots and max_wal_senders: room for 1 more (shop_outbox)
--    max_slot_wal_keep_size: a limit, e.g. 10GB, so that a connector that is gone does not fill the disk
--    for a standby that goes on where the primary was: sync_replication_slots = on and hot_standby_feedback = on there, synchronized_standby_slots here
-- 2. A role that migrates, POSTGRES_USER and POSTGRES_PASSWORD: LOGIN CREATEROLE CREATEDB, and no more.
--    CREATE ROLE walpost_master LOGIN CREATEROLE CREATEDB;  \\password walpost_master
-- 3. npx walpost migrate: it makes the databases, and the roles shop_app, tracking_app, observer, dlq_operator, cdc.
-- 4. Unless the migration could do it, which says so, as a superuser:
ALTER ROLE cdc REPLICATION;
-- npx walpost doctor says what of it is missing.
-- Note: pg_hba.conf must let the service, observer, dlq_operator and cdc in; logical replication comes by the name of the database.`);
});

test.each([
  [[], false, 'postgres'],
  [['rds_superuser'], false, 'rds'],
  [['rds_superuser'], true, 'aurora'],
  [['cloudsqlsuperuser'], false, 'cloudsql'],
  [['azure_pg_admin'], false, 'azure'],
  [['neon_superuser'], false, 'neon'],
] as [string[], boolean, string][])('a server with the roles %j is known', (marks, isAurora, name) => {
  expect(providerWith(marks, isAurora)).toBe(name);
});
