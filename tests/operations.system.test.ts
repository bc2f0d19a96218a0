import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { findPrometheus, type Prometheus, startPrometheus } from 'walpost/testing/prometheus';
import { runbookSection } from 'walpost/testing/runbook';
import { connectTo, endOf, eventually, placeOrder, SAMPLE_ORDER, setting } from 'walpost/testing/support';
import { type TestStack, testStack } from 'walpost/testing/test-stack';
import { allSay, issuesOf } from './agreement.ts';

const command = findPrometheus(process.env);
if (!command)
  console.warn(
    'No Prometheus here: whether its alerts agree is not tested. Install it, or set PROMETHEUS to it.',
  );

let stack: TestStack;
let prometheus: Prometheus | undefined;
beforeAll(async () => {
  stack = await testStack();
  const port = Number(stack.sparePorts[1]);
  if (command) prometheus = await startPrometheus(command, stack.env, stack.dataDir, port);
});
afterAll(async () => {
  await prometheus?.close();
  await stack?.close();
});

/** All healthy again, says doctor, and its exit code agrees. */
async function untilWell(): Promise<void> {
  let last = '';
  try {
    await eventually(
      async () => {
        // Asked first: doctor is a program that takes a core for a second.
        const issues = await issuesOf(stack);
        last = JSON.stringify(issues);
        if (issues.length > 0) return undefined;
        const { code, stdout } = await stack.walpost('doctor');
        last = stdout.replace(/^ok .*\n/gm, '');
        return (code === 0 && /, 0 broken$/m.test(stdout)) || undefined;
      },
      180,
      { every: 1_000 },
    );
  } catch (error) {
    throw new Error(`not well again:\n${last}`, { cause: error });
  }
}

/** Runs the commands of a section. @returns what they printed, one after the other */
async function runCommands(title: string, values: Record<string, string> = {}): Promise<string> {
  const { commands } = runbookSection(title);
  expect(commands.length).toBeGreaterThan(0);
  let printed = '';
  for (const args of commands) {
    const filled = args.map((arg) => values[arg] ?? arg);
    const { code, stdout, stderr } = await stack.walpost(...filled);
    printed += stdout + stderr;
    // It fails while one is not running, which is why one looks.
    const mayFail = filled.join(' ') === 'connectors status';
    if (!mayFail && code !== 0) throw new Error(`walpost ${filled.join(' ')}: exit ${code}\n${stderr}`);
  }
  return printed;
}

test('a healthy system: doctor checks it from the JDK to the last dead letter and finds nothing', async () => {
  const { id } = await placeOrder(stack.env);
  await endOf(stack.env, id);
  await untilWell();
  const { stdout } = await stack.walpost('doctor', '--json');
  const checks = JSON.parse(stdout) as { what: string; state: string }[];
  expect(checks.map(({ what }) => what)).toEqual(
    expect.arrayContaining([
      'Node',
      'JDK',
      'Maven',
      'ports',
      'disk',
      'Postgres',
      'wal_level',
      'database registry',
      'publication order_outbox',
      'Kafka',
      'topic order-events',
      'schema registry',
      'schema OrderCreated',
      'Kafka Connect',
      'payment service',
      'console service',
      'connector order-outbox',
      'slot order_outbox',
      'group payment-service',
      'dead letters of payment',
      'orders',
    ]),
  );
  expect(checks.filter(({ state }) => state === 'fail')).toEqual([]);
});

test('a consumer is stopped', async () => {
  await stack.stop('payment');
  await placeOrder(stack.env);
  await placeOrder(stack.env);
  const { id } = await placeOrder(stack.env);
  await allSay({ stack, prometheus }, 'Lag grows', /is not running, its group has no member/, id);
  expect(await runCommands('Lag grows')).toMatch(/^payment-service: Empty, members: 0/);
  expect(await runCommands('An order is stuck', { $ORDER: id })).toMatch(/^stuck at payment-service/m);
  await stack.start('payment');
  await endOf(stack.env, id);
  await untilWell();
});

// The steps of a person who has never seen the system, with the command line alone: each command names the next one.
test('why is my order stuck? The command line alone shows it', async () => {
  await stack.stop('inventory');
  const { id } = await placeOrder(stack.env);
  const placed = performance.now();
  const offered = (text: string) =>
    [...text.matchAll(/try: npx walpost (.*)$/gm)].map(([, command]) => command ?? '');
  const first = await eventually(async () => {
    const { stdout } = await stack.walpost('doctor');
    return offered(stdout).find((command) => command.startsWith('trace '));
  });
  expect(first).toBe(`trace ${id}`);
  const trace = await stack.walpost(...first.split(' '));
  expect(trace.stdout).toMatch(/^stuck at inventory-service .* its group has no member$/m);
  const [second = ''] = offered(trace.stdout);
  expect((await stack.walpost(...second.split(' '))).stdout).toMatch(/^inventory-service: Empty, members: 0/);
  const took = (performance.now() - placed) / 1000;
  console.log(`why is my order stuck: three commands said it ${took.toFixed(1)} s after the order`);
  await stack.start('inventory');
  await endOf(stack.env, id);
  await untilWell();
});

test('a slot is held: its connector is paused', async () => {
  await stack.walpost('connectors', 'pause', 'order-outbox');
  const { id } = await placeOrder(stack.env);
  await allSay({ stack, prometheus }, 'A connector is stalled', /it is PAUSED/, id);
  expect(await runCommands('A connector is stalled')).toMatch(/^orders .* order_outbox /m);
  await endOf(stack.env, id);
  await untilWell();
});

test('a task has failed', async () => {
  // Paused, so that it is not the old configuration which reads the order.
  await stack.walpost('connectors', 'pause', 'order-outbox');
  const url = `${setting(stack.env, 'CONNECT_URL')}/connectors/order-outbox/config`;
  const config = (await (await fetch(url)).json()) as Record<string, string>;
  const body = JSON.stringify({ ...config, 'transforms.outbox.table.field.event.key': 'no_such_column' });
  await fetch(url, { method: 'PUT', headers: { 'content-type': 'application/json' }, body });
  const { id } = await placeOrder(stack.env);
  await stack.walpost('connectors', 'resume', 'order-outbox');
  await eventually(async () =>
    (await issuesOf(stack)).some(({ what }) => what.includes('FAILED')) ? true : undefined,
  );
  await allSay({ stack, prometheus }, 'A task failed', /its task is FAILED/, id);
  expect((await stack.walpost('doctor')).stdout).toMatch(/^warn +Kafka Connect +.* another configuration/m);
  await runCommands('A task failed');
  await endOf(stack.env, id);
  await untilWell();
});

test('a poison message', async () => {
  const sql = connectTo(stack.env, 'payments');
  await sql`alter table payments add constraint broken check (customer_id <> 'poison') not valid`;
  const { id } = await placeOrder(stack.env, { ...SAMPLE_ORDER, customerId: 'poison' });
  await allSay({ stack, prometheus }, 'A dead letter', /dead letter/i, id);
  const [deadLetter] = await sql<{ id: string }[]>`select id from dead_letters where state = 'dead'`;
  await sql`alter table payments drop constraint broken`;
  await sql.end();
  expect(await runCommands('A dead letter', { $DEAD_LETTER: String(deadLetter?.id) })).toMatch(/ replayed /);
  await endOf(stack.env, id);
  await untilWell();
});

test('a slot is lost: the connector makes a new one, and nothing is missing', async () => {
  const sql = connectTo(stack.env, 'orders');
  await stack.walpost('connectors', 'pause', 'order-outbox');
  await sql`alter system set max_slot_wal_keep_size = '1MB'`;
  await sql`select pg_reload_conf()`;
  await sql`create table ballast (text text)`;
  for (const _round of [1, 2]) {
    await sql`insert into ballast (text) select repeat('x', 1000) from generate_series(1, 40000)`;
    await sql`select pg_switch_wal()`;
  }
  await sql`checkpoint`;
  await sql`drop table ballast`;
  await sql`alter system reset max_slot_wal_keep_size`;
  await sql`select pg_reload_conf()`;
  const { id } = await placeOrder(stack.env);
  await allSay({ stack, prometheus }, 'A slot is lost', /it is lost/, id);
  const others = await sql<{ name: string }[]>`
    select replace(slot_name, '_', '-') as name from pg_replication_slots
    where wal_status = 'lost' and slot_name <> 'order_outbox'`;
  await sql.end();
  const dry = await stack.walpost('outbox', 'recreate-slot', 'order-outbox');
  expect(dry.stdout).toMatch(/^would drop slot order_outbox/);
  await stack.walpost('connectors', 'resume', 'order-outbox');
  await runCommands('A slot is lost');
  for (const { name } of others)
    expect((await stack.walpost('outbox', 'recreate-slot', name, '--yes')).code).toBe(0);
  await endOf(stack.env, id);
  await untilWell();
  const again = await stack.walpost('outbox', 'recreate-slot', 'order-outbox', '--yes');
  expect(again).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^walpost: slot order_outbox is reserved/),
  });
});

test('a schema is refused', async () => {
  const subject = 'order-events-walpost.orders.OrderCreated';
  const registry = setting(stack.env, 'SCHEMA_REGISTRY_URL');
  const headers = { 'content-type': 'application/vnd.schemaregistry.v1+json' };
  const level = (compatibility: string) =>
    fetch(`${registry}/config/${subject}`, {
      method: 'PUT',
      headers,
      body: JSON.stringify({ compatibility }),
    });
  await level('NONE');
  const fields = [{ name: 'orderId', type: 'int' }];
  const schema = JSON.stringify({
    type: 'record',
    name: 'OrderCreated',
    namespace: 'walpost.orders',
    fields,
  });
  const added = await fetch(`${registry}/subjects/${subject}/versions`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ schema }),
  });
  expect(added.status).toBe(200);
  const [line] = runbookSection('A schema is refused').sees;
  expect((await stack.walpost('doctor')).stdout).toMatch(line ?? '');
  const [check = []] = runbookSection('A schema is refused').commands;
  const { code, stdout } = await stack.walpost(...check);
  expect(code).toBe(1);
  expect(stdout).toMatch(/orderId/);
  await fetch(`${registry}/subjects/${subject}/versions/latest`, { method: 'DELETE' });
  await level('FULL_TRANSITIVE');
  await untilWell();
});

test('the disk, and an upgrade: the commands run, and an old daily partition is dropped', async () => {
  const sql = connectTo(stack.env, 'orders');
  await sql`create table outbox_20260101 partition of outbox for values from ('2026-01-01') to ('2026-01-02')`;
  await sql`alter table outbox_20260101 owner to orders_owner`;
  expect((await stack.walpost('outbox', 'prune')).stdout).toMatch(/^order: would drop 2026-01-01, /m);
  expect((await sql`select to_regclass('outbox_20260101') as found`)[0]?.['found']).not.toBeNull();
  const printed = await runCommands('The disk fills');
  expect(printed).toMatch(/^orders +\d+ .* order_outbox +read /m);
  expect(printed).toMatch(/^order: 1 of 1 daily partitions dropped$/m);
  expect((await sql`select to_regclass('outbox_20260101') as found`)[0]?.['found']).toBeNull();
  await sql.end();
  expect(await runCommands('Upgrade')).toMatch(/, 0 broken$/m);
});

test('scaling out: one more process shares the partitions', async () => {
  const [port] = stack.sparePorts;
  await stack.spawn('payment-2', 'dist/payment/main.js', Number(port), {
    PAYMENT_PORT: String(port),
  });
  await eventually(async () => {
    const { stdout } = await stack.walpost('groups', 'describe', 'payment-service');
    return /^payment-service: Stable, members: 2$/m.test(stdout) ? true : undefined;
  });
  await stack.stop('payment-2');
  await untilWell();
});

// Last, because it takes Kafka's data away.
test('parts are stopped and doctor names them; then Postgres is restored to an earlier moment, and Kafka is lost', async () => {
  const kept = await placeOrder(stack.env);
  await endOf(stack.env, kept.id);
  for (const part of ['notification', 'connect', 'kafka', 'registry']) await stack.stop(part);
  const withoutKafka = await stack.walpost('doctor');
  expect(withoutKafka.code).toBe(1);
  for (const part of ['Kafka', 'Kafka Connect', 'schema registry', 'notification service'])
    expect(withoutKafka.stdout).toMatch(new RegExp(`^fail +${part} `, 'm'));
  expect(withoutKafka.stdout).toMatch(/^ok +database orders /m);
  expect(withoutKafka.stdout).toMatch(/try: npm start/);
  await stack.stop('postgres');
  const { code, stdout } = await stack.walpost('doctor', '--json');
  expect(code).toBe(1);
  const checks = JSON.parse(stdout) as { what: string; state: string }[];
  expect(checks).toContainEqual(expect.objectContaining({ what: 'Postgres', state: 'fail' }));
  expect(checks).toContainEqual(expect.objectContaining({ what: 'Node', state: 'ok' }));

  const services = ['console', 'order', 'payment', 'inventory', 'notification', 'watcher'];
  for (const part of services) await stack.stop(part);
  const data = (name: string) => join(stack.dataDir, name);
  // With owners and rights: the server runs as another user than the launcher, and insists.
  expect((await stack.run('cp', ['-a', data('postgres'), data('backup')])).code).toBe(0);
  for (const part of ['postgres', 'order']) await stack.start(part);
  const lost = await placeOrder(stack.env);
  for (const part of ['order', 'postgres']) await stack.stop(part);
  rmSync(data('postgres'), { recursive: true });
  expect((await stack.run('cp', ['-a', data('backup'), data('postgres')])).code).toBe(0);
  rmSync(data('kafka'), { recursive: true });
  for (const part of ['postgres', 'kafka', 'registry']) await stack.start(part);
  expect((await stack.walpost('topics', 'apply')).code).toBe(0);
  await stack.start('connect');
  expect((await stack.walpost('connectors', 'apply')).code).toBe(0);
  for (const part of services) await stack.start(part);
  const sql = connectTo(stack.env, 'orders');
  expect(await sql`select from orders where id = ${lost.id}`).toHaveLength(0);
  await sql.end();
  const { id } = await placeOrder(stack.env);
  expect((await endOf(stack.env, id)).status).toBe('CONFIRMED');
  await untilWell();
  expect((await stack.walpost('trace', kept.id)).stdout).toMatch(/^finished/m);
});
