import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { defineConfig } from '@walpost/kit/config';
import { connectTo, eventually, readTopic } from 'walpost/testing/support';
import { type FreeEnvironment, freeEnvironment } from 'walpost/testing/test-stack';
import { contract } from '../schemas/contract.generated.ts';

// Somebody else's project, made of the packages as npm would have them: another domain, keys that are no UUIDs, a topic
// whose name does not end in -events, and a third service, which reads and publishes.

const exec = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));
/** As a shell has it that never heard of this repository. */
const { NODE_OPTIONS: _, ...outside } = process.env;
let folder: string;
let project: string;
let free: FreeEnvironment;
let env: Record<string, string>;
let launcher: ChildProcess | undefined;

beforeAll(async () => {
  // As whoever keeps what he makes to himself.
  process.umask(0o077);
  folder = mkdtempSync(join(tmpdir(), 'walpost-parcels-'));
  project = join(folder, 'parcels');
  const names = { shipment: { port: 1 }, tracking: { port: 2 }, billing: { port: 3 } };
  free = await freeEnvironment(defineConfig({ name: 'parcels', contract, services: names }));
  env = { ...free.env };
});
afterAll(async () => {
  if (launcher && launcher.exitCode === null && launcher.signalCode === null) {
    launcher.kill('SIGTERM');
    await once(launcher, 'exit');
  }
  free?.release();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs a command in the project. @returns what it printed */
async function run(command: string, ...args: string[]): Promise<string> {
  const { stdout } = await exec(command, args, { cwd: project, env: { ...outside, ...env } });
  return stdout;
}

async function start(): Promise<void> {
  const child = spawn('npx', ['walpost', 'start'], {
    cwd: project,
    env: { ...outside, ...env },
    // Of a group of its own, which a test kills as a whole.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  launcher = child;
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      output += chunk;
    });
  await eventually(async () => {
    if (child.exitCode !== null) throw new Error(output);
    return output.includes('Walpost runs') || undefined;
  }, 180);
}

async function send(customerId: string): Promise<void> {
  const response = await fetch(`http://localhost:${env['SHIPMENT_PORT']}/shipment`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ customerId, quantity: 2 }),
  });
  expect([response.status, await response.text()]).toEqual([201, expect.stringContaining('Paket')]);
}

async function totals(): Promise<Record<string, number>> {
  const response = await fetch(`http://localhost:${env['TRACKING_PORT']}/totals`);
  const rows = (await response.json()) as { customer_id: string; events: number }[];
  return Object.fromEntries(rows.map((row) => [row.customer_id, row.events]));
}

async function untilCounted(wanted: Record<string, number>): Promise<void> {
  await eventually(async () => {
    const found = await totals();
    if (JSON.stringify(found) === JSON.stringify(wanted)) return true;
    throw new Error(JSON.stringify(found));
  });
}

function edit(file: string, ...changes: [string, string][]): void {
  const path = join(project, file);
  const text = readFileSync(path, 'utf8');
  for (const [from] of changes) expect(text).toContain(from);
  writeFileSync(
    path,
    changes.reduce((now, [from, to]) => now.replace(from, to), text),
  );
}

test('npm create walpost makes a project that compiles, and no path of it leads back here', async () => {
  await exec(process.execPath, [join(root, 'scripts/pack.mjs')], { cwd: root, env: outside });
  const create = join(root, 'dist/packages/create-walpost/index.mjs');
  const options = [
    '--publisher',
    'shipment',
    '--consumer',
    'tracking',
    '--packages',
    join(root, 'dist/packages'),
  ];
  await exec(process.execPath, [create, project, ...options], { env: outside });
  await run('npx', 'tsc');
  const sources = readdirSync(join(project, 'node_modules/walpost'), { recursive: true, encoding: 'utf8' })
    .concat(readdirSync(join(project, 'node_modules/@walpost/kit'), { recursive: true, encoding: 'utf8' }))
    .filter((file) => /\.(js|json|ts)$/.test(file));
  expect(sources.length).toBeGreaterThan(400);
  expect(sources.filter((file) => file.includes('/test/'))).toEqual([]);
});

test('a service that reads and publishes is a line of the config, an .avsc, a main.ts and its table', async () => {
  edit('services/shipment/main.ts', [
    'newId(clock.now())',
    `\`Paket \${request.body.customerId}/\${newId(clock.now())}\``,
  ]);
  edit('walpost.config.ts', [
    "    'tracking':",
    "    billing: { port: 3002, consumes: ['shipment-events'], publishes: 'invoices' },\n    'tracking':",
  ]);
  mkdirSync(join(project, 'schemas/invoices'));
  writeFileSync(
    join(project, 'schemas/invoices/InvoiceIssued.avsc'),
    '{ "type": "record", "name": "InvoiceIssued", "fields": [{ "name": "amount", "type": "int" }] }\n',
  );
  mkdirSync(join(project, 'services/billing/migrations'), { recursive: true });
  writeFileSync(
    join(project, 'services/billing/migrations/0000_invoices.sql'),
    'CREATE TABLE invoices (key text PRIMARY KEY, amount integer NOT NULL);\n',
  );
  writeFileSync(
    join(project, 'services/billing/main.ts'),
    `import { runService } from '@walpost/kit';
import { sql } from 'drizzle-orm';
import system from '../../walpost.config.ts';

await runService(system, 'billing', ({ publish }) => ({
  on: {
    ShipmentCreated: async (tx, events) => {
      for (const event of events) {
        const data = { amount: event.data.quantity * 500 };
        const fresh = await tx.execute(
          sql\`insert into invoices (key, amount) values (\${event.key}, \${data.amount}) on conflict do nothing returning key\`,
        );
        if (fresh.length > 0)
          await publish(tx, { type: 'InvoiceIssued', key: event.key, version: 1, cause: event, data });
      }
    },
  },
}));
`,
  );
  // It is named, and nothing starts.
  await expect(run('npx', 'walpost', 'start')).rejects.toThrow(
    /has no topic invoices; it has shipment-events/,
  );
  expect(await run('npx', 'walpost', 'generate')).toContain('wrote connectors/billing-outbox.json');
  await run('npx', 'tsc');
}, 120_000);

test('what is sent is counted and billed once, and doctor, trace and the console know of it', async () => {
  await start();
  for (const customer of ['ada', 'ada', 'bob']) await send(customer);
  await untilCounted({ ada: 2, bob: 1 });
  const invoices = await eventually(async () => {
    const records = await readTopic(env, 'invoices');
    return records.length >= 3 ? records : undefined;
  });
  expect(invoices.map(({ key }) => String(key))).toHaveLength(3);
  const [key = ''] = invoices.map((record) => String(record.key));
  expect(key).toMatch(/^Paket (ada|bob)\//);
  await eventually(async () =>
    / 0 warnings, 0 broken/.test(await run('npx', 'walpost', 'doctor')) ? true : undefined,
  );
  const traced = await run('npx', 'walpost', 'trace', key);
  expect(traced).toContain('ShipmentCreated handled once');
  expect(traced).toContain('InvoiceIssued in the topic');
  expect(traced).toContain('finished: everything that is to happen has happened');
  const snapshot = await fetch(`http://localhost:${env['CONSOLE_PORT']}/api/snapshot`);
  expect(await snapshot.json()).toMatchObject({
    services: [{ shortName: 'shipment', intake: true }, { shortName: 'billing' }, { shortName: 'tracking' }],
    load: { perSecond: 0 },
  });
});

test('an event that cannot be handled is set aside, and replayed when its cause is gone', async () => {
  const sql = connectTo(env, 'tracking');
  try {
    await sql`alter table totals add constraint no_mallory check (customer_id <> 'mallory')`;
    await send('mallory');
    await eventually(
      async () =>
        (await run('npx', 'walpost', 'dead-letters', 'list', '--service', 'tracking')).includes(
          'Paket mallory',
        ) || undefined,
    );
    await sql`alter table totals drop constraint no_mallory`;
    await run('npx', 'walpost', 'dead-letters', 'replay', '--service', 'tracking', '--all', '--yes');
    await untilCounted({ ada: 2, bob: 1, mallory: 1 });
  } finally {
    await sql.end();
  }
});

test('killed as a whole with requests under way, it goes on where it was', async () => {
  await Promise.all(['bob', 'bob', 'bob'].map(send));
  const { owner, children } = JSON.parse(readFileSync(join(project, '.data/lock'), 'utf8')) as {
    owner: { pid: number };
    children: { pid: number }[];
  };
  for (const { pid } of [owner, ...children]) process.kill(pid, 'SIGKILL');
  await start();
  await send('ada');
  await untilCounted({ ada: 3, bob: 4, mallory: 1 });
  const invoices = await eventually(async () => {
    const records = await readTopic(env, 'invoices');
    return records.length >= 8 ? records : undefined;
  });
  expect(new Set(invoices.map(({ key }) => String(key))).size).toBe(8);
  expect(invoices).toHaveLength(8);
});
