import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type TestStack, testStack } from '@walpost/native/test-stack';
import { connectTo, eventually, explaining, placeOrders, readTopic } from './support.js';

let stack: TestStack;

beforeAll(async () => {
  stack = await testStack();
}, 300_000);
afterAll(() => stack?.close());

const ORDERS = 1_000;

test('with Kafka, Connect and registry down, a restarted order service takes orders in, and none is lost', async () => {
  for (const name of ['connect', 'registry', 'kafka', 'order']) await stack.stop(name);
  await stack.start('order');
  const ids = await placeOrders(stack.env, ORDERS);
  expect(new Set(ids).size).toBe(ORDERS);
  for (const name of ['kafka', 'registry', 'connect']) await stack.start(name);

  const counts = {
    payments: 'select count(*)::int as n, count(distinct order_id)::int as orders from payments',
    inventory:
      'select count(distinct order_id)::int as n, count(distinct order_id)::int as orders from reservations',
    notifications: `select count(*)::int as n, count(distinct order_id)::int as orders from emails where kind = 'order-received'`,
    orders: `select count(*)::int as n, count(*)::int as orders from orders where status = 'CONFIRMED'`,
  };
  const doctor = async () => (await stack.run('node', ['scripts/walpost.mjs', 'doctor'])).stdout;
  await explaining(doctor, async () => {
    for (const [database, query] of Object.entries(counts)) {
      const sql = connectTo(stack.env, database);
      try {
        await eventually(async () => {
          const [row] = await sql.unsafe(query);
          if (row?.['orders'] < ORDERS) throw new Error(`${database}: ${JSON.stringify(row)}`);
          return row;
        }, 240);
        expect(await sql.unsafe(query)).toEqual([{ n: ORDERS, orders: ORDERS }]);
      } finally {
        await sql.end();
      }
    }
  });

  // The last confirmations may still be on their way.
  const records = await eventually(async () => {
    const read = await readTopic(stack.env, 'order-events');
    return read.length >= 2 * ORDERS ? read : undefined;
  });
  const versions = new Map<string, number[]>(ids.map((id) => [id, []]));
  for (const { key, headers } of records) {
    versions.get(String(key))?.push(Number(headers?.['aggregateversion']));
  }
  expect(records.length).toBe(2 * ORDERS);
  for (const [id, seen] of versions) expect([id, seen]).toEqual([id, [1, 2]]);
}, 600_000);
