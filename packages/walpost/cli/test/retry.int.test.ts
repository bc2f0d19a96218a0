import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { migrateService } from '@walpost/kit/service/run-migration';
import postgres from 'postgres';
import system from '../../../../walpost.config.ts';
import { cells, walpost } from '../../testing/run-cli.ts';
import { setting } from '../../testing/support.ts';

const env = process.env as Record<string, string>;
const KEY = randomUUID();
const OTHER = randomUUID();

let admin: postgres.Sql;

beforeAll(async () => {
  const folder = fileURLToPath(new URL('../../../..', import.meta.url));
  await migrateService(system, folder, 'notification', env);
  admin = postgres({
    host: setting(env, 'POSTGRES_HOST'),
    port: Number(setting(env, 'POSTGRES_PORT')),
    username: 'postgres',
    password: setting(env, 'POSTGRES_PASSWORD'),
    database: 'notifications',
    max: 1,
  });
});
afterAll(() => admin?.end());
beforeEach(async () => {
  await admin`truncate emails`;
  for (const key of [KEY, OTHER])
    await admin`
      insert into emails (id, order_id, customer_id, kind, recipient, subject, body, message_id, status, attempts,
        last_error, created_at)
      values (${key}, ${key}, '', 'order-received', '', '', '', ${key}, 'REFUSED', 1, ${'550 no\u001b[31m'}, now())`;
});

const waiting = async () => {
  const rows = await admin`select order_id from emails where status = 'WAITING'`;
  return rows.map((row) => row['order_id']).sort();
};
const retry = (...args: string[]) => walpost(['retry', 'notification', ...args]);

test('it is dry at first; with --yes what is of the key is tried again, or all of it', async () => {
  const dry = await retry();
  expect(dry).toMatchObject({ code: 0, stderr: '' });
  expect(cells(dry.stdout)).toEqual([
    [KEY, 'order-received', '1', expect.stringMatching(/^\d+ s$/), '550 no\\u{1b}[31m'],
    [OTHER, 'order-received', '1', expect.stringMatching(/^\d+ s$/), '550 no\\u{1b}[31m'],
    ['dry run, nothing changed; re-run with --yes to apply'],
  ]);
  expect(await waiting()).toEqual([]);

  const one = await retry(KEY.toUpperCase(), '--yes');
  expect(cells(one.stdout)).toEqual([expect.arrayContaining([KEY]), ['tried again: 1']]);
  expect(await waiting()).toEqual([KEY]);
  expect((await retry(KEY)).stdout).toBe('nothing of this is refused\n');
  expect((await retry('parcel 7', '--yes')).stdout).toBe('nothing of this is refused\n');

  expect((await retry('--all', '--yes')).stdout).toMatch(/^tried again: 1$/m);
  expect(await waiting()).toEqual([KEY, OTHER].sort());
});

test('it wants to know what, and of which service', async () => {
  for (const args of [['--yes'], [KEY, '--all', '--yes']]) expect((await retry(...args)).code).toBe(2);
  expect((await walpost(['retry'])).code).toBe(2);
  expect((await walpost(['retry', 'nobody'])).stderr).toContain('Allowed choices are order, payment');
});

test('the former name still does it, and warns', async () => {
  const { stdout, stderr } = await walpost(['dead-letters', 'retry-emails', KEY, '--yes']);
  expect(stdout).toMatch(/^tried again: 1$/m);
  expect(stderr).toMatch(/^walpost: warning: dead-letters retry-emails is retry notification now; .*\n$/);
});

test('of a service without the functions it says so in one line', async () => {
  await admin`alter function retry_refused(text) rename to another`;
  const run = await retry();
  await admin`alter function another(text) rename to retry_refused`;
  expect(run).toMatchObject({
    code: 1,
    stdout: '',
    stderr:
      'walpost: notification has nothing to try again: its migrations make no functions refused(text) and retry_refused(text)\n',
  });
});

test('nobody but the service may', async () => {
  const [row] = await admin`
    select array_agg(rolname::text) as roles from pg_roles
    where not rolsuper and rolname !~ '^(pg_|notifications_owner$)'
      and has_function_privilege(oid, 'retry_refused(text)', 'execute')`;
  expect(row).toEqual({ roles: ['notifications_app'] });
});
