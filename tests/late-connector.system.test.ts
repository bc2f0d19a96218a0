import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type TestStack, testStack } from '@walpost/native/test-stack';
import { call, connectTo, eventually, placeOrders, readTopic } from './support.js';

let stack: TestStack;
const PARTS = ['postgres', 'registry', 'migrate-order', 'schemas', 'order', 'kafka', 'connect'];

beforeAll(async () => {
  stack = await testStack(PARTS);
});
afterAll(() => stack?.close());

async function walpost(...args: string[]): Promise<void> {
  const { code, stdout, stderr } = await stack.walpost(...args);
  if (code !== 0) throw new Error(`walpost ${args.join(' ')}: ${stdout}${stderr}`);
}

test('orders placed before topics and connector exist arrive, once and in order, while more come in', async () => {
  const early = await placeOrders(stack.env, 300);
  const cancelled = early.slice(0, 50);
  for (const id of cancelled) {
    expect((await call(stack.env, `/orders/${id}/cancel`, { method: 'POST' })).status).toBe(200);
  }
  await walpost('topics', 'apply');
  const [late] = await Promise.all([
    placeOrders(stack.env, 300),
    walpost('connectors', 'apply', 'order-outbox'),
  ]);

  const sql = connectTo(stack.env, 'orders');
  const [outbox] = await sql`select count(*)::int as n from outbox`;
  await sql.end();
  expect(outbox?.['n']).toBe(early.length + late.length + cancelled.length);

  const records = await eventually(async () => {
    const read = await readTopic(stack.env, 'order-events');
    return read.length >= outbox?.['n'] ? read : undefined;
  });
  const versions = new Map<string, string[]>();
  for (const { key, headers } of records) {
    const id = String(key);
    versions.set(id, [...(versions.get(id) ?? []), String(headers?.['aggregateversion'])]);
  }
  expect(versions.size).toBe(600);
  for (const [id, seen] of versions)
    expect([id, seen]).toEqual([id, cancelled.includes(id) ? ['1', '2'] : ['1']]);
});

test('a relay that is stopped right after an event moves its slot on when it is back, though nothing happens', async () => {
  const sql = connectTo(stack.env, 'orders');
  const position = async () => String((await sql`select pg_current_wal_lsn() as lsn`)[0]?.['lsn']);
  const confirmed = (lsn: string, withinSeconds: number) =>
    eventually(async () => {
      const [slot] = await sql`select confirmed_flush_lsn > ${lsn}::text::pg_lsn as is
        from pg_replication_slots where slot_name = 'order_outbox'`;
      return slot?.['is'] || undefined;
    }, withinSeconds);
  const before = await position();
  await placeOrders(stack.env, 1);
  await confirmed(before, 30);
  await stack.stop('connect');
  await stack.start('connect');
  // Two heartbeats: with the first one it finds out where it is.
  await confirmed(await position(), 45);
  await sql.end();
});
