import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { migrateService } from '@walpost/kit/service/run-migration';
import postgres from 'postgres';
import { readConfig } from 'walpost/config';
import { connectorFile, connectorsOf } from 'walpost/connect/connector-config';
import { checkPostgres } from 'walpost/doctor/check-postgres';
import { loadProject, type Project } from 'walpost/project';
import { administratorSteps, type ProviderName } from 'walpost/providers';
import { secretNames } from 'walpost/stack/secrets';
import { endOf, eventually, placeOrder, setting } from 'walpost/testing/support';
import { type TestStack, testStack } from 'walpost/testing/test-stack';

// Two servers of somebody else, where nobody is a superuser: one has the database of the orders, one all others.

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'walpost-managed-'));
const servers: TestStack[] = [];
let project: Project;
let settings: Record<string, string>;
let stack: TestStack | undefined;

beforeAll(async () => {
  for (const name of ['dist', 'schemas', 'services', 'node_modules', 'package.json'])
    symlinkSync(join(root, name), join(folder, name));
  const config = readFileSync(join(root, 'walpost.config.ts'), 'utf8');
  writeFileSync(join(folder, 'walpost.config.ts'), config.replaceAll(/port: \d+,/g, "$& server: 'own',"));
  project = await loadProject(folder);
  mkdirSync(join(folder, 'connectors'));
  for (const [path, text] of connectorsOf(project.system).map(connectorFile))
    writeFileSync(join(folder, path), text);
  servers.push(await testStack(['postgres']), await testStack(['postgres']));
  const secrets = secretNames(project.system).map((name) => [name, `${name}-of-managed`]);
  const urls = project.system.services.map(({ databaseUrlVariable, database }, at) => {
    const { port } = serverAt(at === 0 ? 0 : 1);
    const password = at === 0 ? 'in%20the%20address%23' : '';
    return [databaseUrlVariable, `postgres://${password && `${database}_app:${password}@`}127.0.0.1:${port}`];
  });
  settings = { ...Object.fromEntries([...secrets, ...urls]), POSTGRES_USER: 'master' };
  for (const at of [0, 1])
    await asSuperuser(
      at,
      `create role master login createrole createdb password '${setting(settings, 'POSTGRES_PASSWORD')}'`,
    );
}, 120_000);
afterAll(async () => {
  await stack?.close();
  for (const each of servers) await each.close();
  rmSync(folder, { recursive: true });
});

function serverAt(at: number) {
  const { env } = servers[at] ?? {};
  if (!env) throw new Error(`no server ${at}`);
  return { port: Number(setting(env, 'POSTGRES_PORT')), password: setting(env, 'POSTGRES_PASSWORD') };
}

async function asSuperuser(at: number, text: string): Promise<void> {
  const { port, password } = serverAt(at);
  const sql = postgres({
    host: '127.0.0.1',
    port,
    username: 'postgres',
    password,
    max: 1,
    onnotice: () => undefined,
  });
  try {
    await sql.unsafe(text);
  } finally {
    await sql.end();
  }
}

async function asMaster(at: number, text: string): Promise<void> {
  const password = setting(settings, 'POSTGRES_PASSWORD');
  const sql = postgres({
    host: '127.0.0.1',
    port: serverAt(at).port,
    username: 'master',
    password,
    database: 'postgres',
    max: 1,
  });
  try {
    await sql.unsafe(text);
  } finally {
    await sql.end();
  }
}

/** What doctor has against the servers. */
async function faults(): Promise<string[]> {
  const checks = await checkPostgres(readConfig(project, { ...settings, REGISTRY_PASSWORD: '' }));
  return checks.flatMap(({ what, state, text, help }) =>
    state === 'ok' ? [] : [`${what}: ${text} ${help.join()}`],
  );
}

const migrateAll = async () => {
  const told = [];
  for (const { name } of project.system.services)
    told.push(...(await migrateService(project.system, folder, name, settings)));
  return new Set(told);
};

test('doctor says what the administrators have not done yet, and by which command', async () => {
  // Whoever administers it lets logical replication wait; and a server of nobody has a limit of its own.
  await asSuperuser(0, 'alter system set wal_level = replica');
  await asSuperuser(0, 'alter system set max_replication_slots = 0');
  await servers[0]?.stop('postgres');
  await servers[0]?.start('postgres');
  expect([...(await migrateAll())]).toEqual([expect.stringMatching(/^the role cdc may not replicate/)]);
  const [order, others] = [0, 1].map((at) => `127.0.0.1:${serverAt(at).port}`);
  expect(await faults()).toEqual([
    expect.stringContaining(`wal_level (${order}): it is replica, and Debezium needs logical`),
    expect.stringContaining(`max_replication_slots (${order}): it is 0, and 1 are needed`),
    expect.stringMatching(
      `^role cdc \\(${order}\\): it may not replicate.*npx walpost roles --for postgres$`,
    ),
    expect.stringContaining(`role cdc (${others}): it may not replicate`),
  ]);
  await asSuperuser(0, 'alter system reset all');
  await servers[0]?.stop('postgres');
  await servers[0]?.start('postgres');
}, 120_000);

// The roles that a provider's server has, and what the master is of them, on a plain server.
const LAYOUTS: [ProviderName, string, string][] = [
  [
    'rds',
    'create role rds_superuser; create role rds_replication; grant rds_superuser to master; grant rds_replication to master with admin option',
    'drop role rds_superuser; drop role rds_replication',
  ],
  [
    'cloudsql',
    'create role cloudsqlsuperuser; grant cloudsqlsuperuser to master; alter role master replication',
    'drop role cloudsqlsuperuser; alter role cdc noreplication; alter role master noreplication',
  ],
  [
    'azure',
    'create role azure_pg_admin; grant azure_pg_admin to master; alter role master replication',
    'drop role azure_pg_admin; alter role cdc noreplication; alter role master noreplication',
  ],
  [
    'neon',
    'create role neon_superuser; grant neon_superuser to master; alter role master replication',
    'drop role neon_superuser; alter role cdc noreplication; alter role master noreplication',
  ],
];

test.each(LAYOUTS)(
  'what is printed for %s gives cdc its rights, run as the master',
  async (name, make, undo) => {
    await asSuperuser(1, make);
    try {
      expect((await faults()).at(-1)).toMatch(new RegExp(`^role cdc.*npx walpost roles --for ${name}$`));
      await asMaster(1, administratorSteps(project.system, name));
      expect((await faults()).filter((fault) => fault.includes(`${serverAt(1).port}`))).toEqual([]);
    } finally {
      await asSuperuser(1, undo);
    }
  },
);

test('an order goes its way over two servers without a superuser, and doctor is content', async () => {
  for (const at of [0, 1]) await asSuperuser(at, administratorSteps(project.system, 'postgres'));
  expect(await faults()).toEqual([]);
  stack = await testStack(undefined, { project, settings });
  const { env } = stack;
  for (let i = 0; i < 5; i++) {
    const { id } = await placeOrder(env);
    expect(await endOf(env, id)).toMatchObject({ status: 'CONFIRMED' });
    const { stdout } = await stack.walpost('trace', id);
    expect(stdout).toMatch(/payment|stock/);
  }
  const checks = await eventually(async () => {
    const { stdout } = (await stack?.walpost('doctor', '--json')) ?? {};
    const found = JSON.parse(stdout ?? '[]') as { what: string; state: string; text: string }[];
    return found.every(({ state }) => state === 'ok') ? found : undefined;
  }, 60);
  const slots = checks.filter(({ what }) => what.startsWith('slot '));
  expect(slots.map(({ text }) => text)).toEqual(Array(3).fill(expect.stringMatching(/^read, reserved/)));
  expect((await stack.walpost('outbox', 'status')).stdout).toMatch(/orders.*payments.*inventory/s);
}, 400_000);
