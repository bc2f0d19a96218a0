import { expect, test } from '@jest/globals';
import { connectTo, eventually, explaining, placeOrders, readTopic } from 'walpost/testing/support';
import { stack } from './stack.ts';

const ORDERS = 1_000;

test('with Kafka, Connect and registry down, a restarted order service takes orders in, and none is lost', async () => {
  for (const name of ['connect', 'registry', 'kafka', 'order']) await stack.stop(name);
  await stack.start('order');
  const ids = await placeOrders(stack.env, ORDERS);
  expect(new Set(ids).size).toBe(ORDERS);
  for (const name of ['kafka', 'registry', 'connect']) await stack.start(name);

  const once = 'select count(*)::int as n, count(distinct order_id)::int as orders from';
  const counts = {
    payments: `${once} payments where order_id = any($1)`,
    inventory: `select count(distinct order_id)::int as n, count(distinct order_id)::int as orders
      from reservations where order_id = any($1)`,
    notifications: `${once} emails where kind = 'order-received' and order_id = any($1)`,
    orders: `select count(*)::int as n, count(*)::int as orders
      from orders where status = 'CONFIRMED' and id = any($1)`,
  };
  const doctor = async () => (await stack.walpost('doctor')).stdout;
  await explaining(doctor, async () => {
    for (const [database, query] of Object.entries(counts)) {
      const sql = connectTo(stack.env, database);
      try {
        await eventually(async () => {
          const [row] = await sql.unsafe(query, [ids]);
          if (row?.['orders'] < ORDERS) throw new Error(`${database}: ${JSON.stringify(row)}`);
          return row;
        }, 240);
        expect(await sql.unsafe(query, [ids])).toEqual([{ n: ORDERS, orders: ORDERS }]);
      } finally {
        await sql.end();
      }
    }
  });

  // The last confirmations may still be on their way.
  const records = await eventually(async () => {
    const read = await readTopic(stack.env, 'order-events');
    const own = read.filter(({ key }) => ids.includes(String(key)));
    return own.length >= 2 * ORDERS ? own : undefined;
  });
  const versions = new Map<string, number[]>(ids.map((id) => [id, []]));
  for (const { key, headers } of records) {
    versions.get(String(key))?.push(Number(headers?.['aggregateversion']));
  }
  expect(records.length).toBe(2 * ORDERS);
  for (const [id, seen] of versions) expect([id, seen]).toEqual([id, [1, 2]]);
}, 600_000);
