import { execFileSync, spawn } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sql } from 'drizzle-orm';
import { eventually } from 'walpost/testing/support';
import { openTestDatabase, type TestDatabase } from '../../../../tests/stack/database.ts';
import { migrateDatabase } from '../../service/migrate.ts';
import { openDatabase } from '../database.ts';

/** PgBouncer is a package of the system; without it there is nothing that this could be tried on. */
const PROGRAM = '/usr/sbin/pgbouncer';
const SETTINGS = [
  'application_name,search_path,synchronous_commit,default_transaction_isolation,default_transaction_read_only',
  'default_transaction_deferrable,row_security,IntervalStyle,bytea_output,extra_float_digits,array_nulls',
  'statement_timeout,lock_timeout,transaction_timeout,idle_session_timeout,idle_in_transaction_session_timeout',
  'role,password_encryption,walpost.session',
].join();

const isInstalled = (() => {
  try {
    execFileSync(PROGRAM, ['--version']);
    return true;
  } catch {
    return false;
  }
})();
// Skipped, not left out: the report says so.
const withPooler = isInstalled ? describe : describe.skip;

let database: TestDatabase;
let folder: string;
beforeAll(async () => {
  database = await openTestDatabase('notifications');
  folder = await mkdtemp(join(tmpdir(), 'walpost-pgbouncer-'));
  await chmod(folder, 0o755);
});
afterAll(async () => {
  await database?.close();
  await rm(folder, { recursive: true });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
}

/** Starts PgBouncer in transaction mode before the test's server. @returns its port, and what ends it */
async function startPooler(ignored: string): Promise<{ port: number; stop(): Promise<void> }> {
  const { host, port: upstream, user, password } = database.options;
  const port = await freePort();
  const adminPassword = process.env['POSTGRES_PASSWORD'] ?? '';
  await writeFile(join(folder, 'users.txt'), `"${user}" "${password}"\n"postgres" "${adminPassword}"\n`);
  const config = join(folder, 'pgbouncer.ini');
  await writeFile(
    config,
    `[databases]\n* = host=${host === 'localhost' ? '127.0.0.1' : host} port=${upstream}\n[pgbouncer]\n` +
      `listen_addr = 127.0.0.1\nlisten_port = ${port}\nunix_socket_dir =\nauth_type = plain\n` +
      `auth_file = ${join(folder, 'users.txt')}\npool_mode = transaction\nignore_startup_parameters = ${ignored}\n`,
  );
  // It refuses to run as root.
  const asNobody = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
  const child = spawn(PROGRAM, [...asNobody, config], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk) => {
    said += String(chunk);
  });
  await eventually(async () => (said.includes('process up') ? true : undefined));
  return {
    port,
    stop: async () => {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
    },
  };
}

withPooler('PgBouncer in transaction mode', () => {
  test('with the setting, a role that has not its settings is refused in one line', async () => {
    const pooler = await startPooler('extra_float_digits');
    const behind = { ...database.options, host: '127.0.0.1', port: pooler.port, pooler: true };
    const { ping, close } = openDatabase(behind);
    try {
      await expect(ping()).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        message: expect.stringMatching(
          /^Configuration: POSTGRES_POOLER .* has not the settings.*walpost migrate/,
        ),
      });
    } finally {
      await close();
      await pooler.stop();
    }
  });

  test('with the setting, services work behind it: their roles have what their sessions would set', async () => {
    const { host, port: direct, user, password } = database.options;
    await migrateDatabase({
      host,
      port: direct,
      adminPassword: process.env['POSTGRES_PASSWORD'] ?? '',
      database: database.name,
      appPassword: password,
      pooler: true,
      migrations: [],
    });
    const pooler = await startPooler('extra_float_digits');
    const behind = { ...database.options, host: '127.0.0.1', port: pooler.port, pooler: true };
    const [one, other] = [openDatabase(behind), openDatabase({ ...behind, connections: 3 })];
    try {
      await Promise.all([one.ping(), other.ping()]);
      const find = sql`select id from inbox_days_of_nobody`;
      await expect(one.db.execute(find)).rejects.toMatchObject({ code: '42P01' });
      // Many at once over the few sessions that the pooler has, by statements that would be prepared by name.
      const rows = await Promise.all(
        Array.from({ length: 40 }, (_each, at) =>
          (at % 2 === 0 ? one : other).db.transaction(async (tx) => {
            const [row] = await tx
              .select({
                at: sql<number>`${at}::int`,
                who: sql<string>`current_user`,
                zone: sql<string>`current_setting('TimeZone')`,
                durable: sql<string>`current_setting('synchronous_commit')`,
                limit: sql<string>`current_setting('statement_timeout')`,
              })
              .from(sql`generate_series(1, 1)`)
              .prepare('pooled')
              .execute();
            return row;
          }),
        ),
      );
      expect(rows).toEqual(
        rows.map((_row, at) => ({ at, who: user, zone: 'UTC', durable: 'on', limit: '15s' })),
      );
    } finally {
      await Promise.all([one.close(), other.close()]);
      await pooler.stop();
    }
  });

  test.each([
    ['that knows nothing of the settings', 'extra_float_digits', /unsupported startup parameter/],
    ['that is told to ignore the settings', SETTINGS, /ignores the settings of a session/],
  ])('%s is refused in one line', async (_what, ignored, reason) => {
    const pooler = await startPooler(ignored);
    const { port } = pooler;
    const { ping, close } = openDatabase({ ...database.options, host: '127.0.0.1', port });
    try {
      const refusals = await Promise.all([
        ping().catch((error: Error) => error),
        migrateDatabase({
          host: '127.0.0.1',
          port,
          adminPassword: process.env['POSTGRES_PASSWORD'] ?? '',
          database: database.name,
          appPassword: database.options.password,
          migrations: [],
        }).catch((error: Error) => error),
      ]);
      for (const refusal of refusals) {
        expect(refusal).toMatchObject({
          code: 'CONFIG_INVALID',
          message: expect.stringMatching(/PgBouncer.*address of the Postgres server itself/),
        });
        expect((refusal as Error).message).toMatch(reason);
        expect((refusal as Error).message).not.toContain('\n');
      }
    } finally {
      await close();
      await pooler.stop();
    }
  });
});
