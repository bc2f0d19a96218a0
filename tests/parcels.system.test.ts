import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connectTo, eventually, readTopic } from 'walpost/testing/support';
import { exec, type OutsideProject, outside, outsideProject, pack } from './outside-project.ts';

// Somebody else's project, made of the packages as npm would have them: another domain, keys that are no UUIDs, a topic
// whose name does not end in -events, and a third service, which reads and publishes.

let project: OutsideProject;
beforeAll(async () => {
  project = await outsideProject('shipment', 'tracking', 'billing');
});
afterAll(() => project?.close());

function edit(file: string, ...changes: [string, string][]): void {
  const path = join(project.folder, file);
  const text = readFileSync(path, 'utf8');
  for (const [from] of changes) expect(text).toContain(from);
  writeFileSync(
    path,
    changes.reduce((now, [from, to]) => now.replace(from, to), text),
  );
}

test('npm create walpost makes a project that compiles, and no path of it leads back here', async () => {
  const packages = await pack();
  const create = join(packages, 'create-walpost/index.mjs');
  const options = ['--publisher', 'shipment', '--consumer', 'tracking', '--packages', packages];
  await exec(process.execPath, [create, project.folder, ...options], { env: outside });
  await project.run('npx', 'tsc');
  const sources = ['walpost', '@walpost/kit']
    .flatMap((name) =>
      readdirSync(join(project.folder, 'node_modules', name), { recursive: true, encoding: 'utf8' }),
    )
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
  mkdirSync(join(project.folder, 'schemas/invoices'));
  writeFileSync(
    join(project.folder, 'schemas/invoices/InvoiceIssued.avsc'),
    '{ "type": "record", "name": "InvoiceIssued", "fields": [{ "name": "amount", "type": "int" }] }\n',
  );
  mkdirSync(join(project.folder, 'services/billing/migrations'), { recursive: true });
  writeFileSync(
    join(project.folder, 'services/billing/migrations/0000_invoices.sql'),
    'CREATE TABLE invoices (key text PRIMARY KEY, amount integer NOT NULL);\n',
  );
  writeFileSync(
    join(project.folder, 'services/billing/main.ts'),
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
  await expect(project.run('npx', 'walpost', 'start')).rejects.toThrow(
    /contract\.generated\.ts: not what the \.avsc files .* say; run `npx walpost generate`/,
  );
  const wrote = await project.run('npx', 'walpost', 'generate');
  for (const file of ['connectors/billing-outbox.json', 'compose.yaml', '.env.example'])
    expect(wrote).toContain(`wrote ${file}\n`);
  expect(readFileSync(join(project.folder, 'compose.yaml'), 'utf8')).toMatch(/^ {2}billing:$/m);
  await project.run('npx', 'tsc');
}, 120_000);

test('what it is in Kubernetes is written, read back, and compared with its connectors', async () => {
  const kubernetes = ['walpost', 'export', 'kubernetes'];
  expect(await project.run('npx', ...kubernetes)).toContain('kubernetes/services.yaml');
  expect(await project.run('npx', ...kubernetes, '--check')).toContain('are what the project says');
  edit('kubernetes/connect.yaml', ['slot.name: billing_outbox', 'slot.name: invoices']);
  await expect(project.run('npx', ...kubernetes, '--check')).rejects.toThrow(
    'spec.config["slot.name"] is "invoices", and connectors/billing-outbox.json has "billing_outbox"',
  );
});

test('what is sent is counted and billed once, and doctor, trace and the console know of it', async () => {
  await project.start();
  for (const customer of ['ada', 'ada', 'bob']) await project.send(customer);
  await project.untilCounted({ ada: 2, bob: 1 });
  const invoices = await eventually(async () => {
    const records = await readTopic(project.env, 'invoices');
    return records.length >= 3 ? records : undefined;
  });
  expect(invoices.map(({ key }) => String(key))).toHaveLength(3);
  const [key = ''] = invoices.map((record) => String(record.key));
  expect(key).toMatch(/^Paket (ada|bob)\//);
  await eventually(async () =>
    / 0 warnings, 0 broken/.test(await project.run('npx', 'walpost', 'doctor')) ? true : undefined,
  );
  const traced = await project.run('npx', 'walpost', 'trace', key);
  expect(traced).toContain('ShipmentCreated handled once');
  expect(traced).toContain('InvoiceIssued in the topic');
  expect(traced).toContain('finished: everything that is to happen has happened');
  const snapshot = await fetch(`http://localhost:${project.env['CONSOLE_PORT']}/api/snapshot`);
  expect(await snapshot.json()).toMatchObject({
    services: [{ shortName: 'shipment', intake: true }, { shortName: 'billing' }, { shortName: 'tracking' }],
    load: { perSecond: 0 },
  });
});

test('an event that cannot be handled is set aside, and replayed when its cause is gone', async () => {
  const sql = connectTo(project.env, 'tracking');
  try {
    await sql`alter table totals add constraint no_mallory check (customer_id <> 'mallory')`;
    await project.send('mallory');
    await eventually(
      async () =>
        (await project.run('npx', 'walpost', 'dead-letters', 'list', '--service', 'tracking')).includes(
          'Paket mallory',
        ) || undefined,
    );
    await sql`alter table totals drop constraint no_mallory`;
    await project.run('npx', 'walpost', 'dead-letters', 'replay', '--service', 'tracking', '--all', '--yes');
    await project.untilCounted({ ada: 2, bob: 1, mallory: 1 });
  } finally {
    await sql.end();
  }
});

test('killed as a whole with requests under way, it goes on where it was', async () => {
  await Promise.all(['bob', 'bob', 'bob'].map(project.send));
  const { owner, children } = JSON.parse(readFileSync(join(project.folder, '.data/lock'), 'utf8')) as {
    owner: { pid: number };
    children: { pid: number }[];
  };
  for (const { pid } of [owner, ...children]) process.kill(pid, 'SIGKILL');
  await project.start();
  await project.send('ada');
  await project.untilCounted({ ada: 3, bob: 4, mallory: 1 });
  const invoices = await eventually(async () => {
    const records = await readTopic(project.env, 'invoices');
    return records.length >= 8 ? records : undefined;
  });
  expect(new Set(invoices.map(({ key }) => String(key))).size).toBe(8);
  expect(invoices).toHaveLength(8);
});
