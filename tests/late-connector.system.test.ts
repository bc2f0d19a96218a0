import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type TestStack, testStack } from '@walpost/native/test-stack';
import { call, connectTo, eventually, placeOrders, readTopic } from './support.js';

let stack: TestStack;
const PARTS = ['postgres', 'registry', 'migrate-order', 'schemas', 'order', 'kafka', 'connect'];

beforeAll(async () => {
  stack = await testStack(PARTS);
}, 300_000);
afterAll(() => stack?.close());

async function walpost(...args: string[]): Promise<void> {
  const { code, stdout, stderr } = await stack.run('node', ['scripts/dist/walpost.js', ...args]);
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
}, 180_000);
