import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { openTestDatabase, type TestDatabase } from '../../../../tests/stack/database.ts';
import { migrateDatabase } from '../../service/migrate.ts';

let database: TestDatabase;
let folder: string;
beforeEach(async () => {
  database = await openTestDatabase('notifications');
  folder = mkdtempSync(join(tmpdir(), 'walpost-migrations-'));
});
afterEach(async () => {
  rmSync(folder, { recursive: true });
  await database.close();
});

const write = (file: string, text: string) => writeFileSync(join(folder, file), text);

function migrate(): Promise<string[]> {
  const { options, name } = database;
  return migrateDatabase({
    host: options.host,
    port: options.port,
    adminPassword: process.env['POSTGRES_PASSWORD'] ?? '',
    database: name,
    appPassword: options.password,
    migrations: [{ name: 'parcels', folder, grantTo: `${name}_app` }],
  });
}

/** What the service's role may do with a table. */
async function rightsOf(table: string): Promise<string[]> {
  const rows = await database.admin`
    select privilege_type from information_schema.role_table_grants
    where grantee = ${`${database.name}_app`} and table_name = ${table} order by privilege_type`;
  return rows.map((row) => row['privilege_type']);
}

test('files run once, in the order of their names, and a later one between them is not forgotten', async () => {
  write('0001_more.sql', "INSERT INTO parcels (id) VALUES ('second');");
  write('0000_parcels.sql', "CREATE TABLE parcels (id text);\nINSERT INTO parcels (id) VALUES ('first');");
  await migrate();
  write('0000_parcels_too.sql', "INSERT INTO parcels (id) VALUES ('between');");
  await migrate();
  await migrate();
  const rows = await database.admin`select id from parcels`;
  expect(rows.map((row) => row['id'])).toEqual(['first', 'second', 'between']);
});

test('a file that is edited after it has run is named, and the next one is not', async () => {
  write('0000_parcels.sql', 'CREATE TABLE parcels (id text);');
  expect(await migrate()).toEqual([]);
  write('0000_parcels.sql', 'CREATE TABLE parcels (id text, weight integer);');
  write('0001_more.sql', 'ALTER TABLE parcels ADD COLUMN height integer;');
  const said = `${join(folder, '0000_parcels.sql')} was edited after it had run, which changes nothing: write the next file`;
  expect(await migrate()).toEqual([said]);
});

test('what release 0.1 ran, which kept no names, does not run again', async () => {
  write('0000_parcels.sql', 'CREATE TABLE parcels (id text);');
  write('0001_more.sql', 'ALTER TABLE parcels ADD COLUMN weight integer;');
  await migrate();
  // As drizzle left it, with the file that is part of another one by now.
  const { admin } = database;
  await admin`alter table migrations.parcels drop column name`;
  await admin`update migrations.parcels set created_at = 1795000000000 + id * 3600000`;
  await admin`insert into migrations.parcels (hash, created_at) values ('merged', 1795001800000)`;
  write('0002_last.sql', 'ALTER TABLE parcels ADD COLUMN height integer;');
  await migrate();
  const rows = await admin`select name from migrations.parcels where name is not null order by created_at`;
  expect(rows.map((row) => row['name'])).toEqual(['0000_parcels.sql', '0001_more.sql', '0002_last.sql']);
});

test('a file that fails is named, and nothing of the folder is changed', async () => {
  write('0000_parcels.sql', 'CREATE TABLE parcels (id text);');
  write('0001_wrong.sql', 'ALTER TABLE parcel ADD COLUMN weight integer;');
  await expect(migrate()).rejects.toThrow(/0001_wrong\.sql: relation "parcel" does not exist$/);
  expect(await database.admin`select to_regclass('parcels') as found`).toEqual([{ found: null }]);
});

test('the service may use what a file makes, unless the file says itself who may, and nothing that is made otherwise', async () => {
  write('0000_parcels.sql', '-- No grant is needed.\nCREATE TABLE parcels (id serial);');
  write('0001_own.sql', `CREATE TABLE own (id text);\nGRANT SELECT ON own TO "${database.name}_app";`);
  await migrate();
  expect(await rightsOf('parcels')).toEqual(['DELETE', 'INSERT', 'SELECT', 'UPDATE']);
  expect(await rightsOf('own')).toEqual(['SELECT']);
  await database.db.execute('insert into parcels default values');
  const { admin, name } = database;
  await admin.unsafe(`set role "${name}_owner"; create table later (id text); reset role`);
  expect(await rightsOf('later')).toEqual([]);
});
