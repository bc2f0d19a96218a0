import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  call,
  connectTo,
  endOf,
  eventually,
  kafkaOf,
  placeOrders,
  readTopic,
  setting,
} from 'walpost/testing/support';
import { type TestStack, testStack } from 'walpost/testing/test-stack';

let stack: TestStack;
beforeAll(async () => {
  stack = await testStack();
});
afterAll(() => stack?.close());

async function query(database: string, text: string): Promise<Record<string, unknown>[]> {
  const sql = connectTo(stack.env, database);
  try {
    return [...(await sql.unsafe(text))];
  } finally {
    await sql.end();
  }
}

/** A fixed sequence of numbers in [0, 1), so that a failure can be seen again. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const ORDERS = 10_000;
const STOCK = 'select sku, on_hand + reserved as total, on_hand, reserved from stock order by sku';

test('10,000 orders with declines, shortages, cancels and duplicates all end, and money and stock add up', async () => {
  const before = await query('inventory', STOCK);
  const next = random(42);
  let left = ORDERS;
  let cancels = 0;
  const pick = <T>(...choices: [number, T][]): T | undefined => {
    let point = next();
    for (const [share, value] of choices) {
      if (point < share) return value;
      point -= share;
    }
    return undefined;
  };
  const worker = async () => {
    while (left-- > 0) {
      const customerId = pick([0.1, 'mallory']) ?? `customer-${Math.floor(next() * 1000)}`;
      const sku = pick([0.03, 'SOLD-OUT'], [0.02, 'LAMP-1'], [0.01, 'UNKNOWN']) ?? 'BOOK-1';
      const items = [
        { sku, quantity: 1 + Math.floor(next() * 3), unitPrice: Math.floor(next() * 10_000) },
        { sku: 'MUG-1', quantity: 1, unitPrice: 999 },
      ];
      const init = {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': `load-${left}` },
        body: JSON.stringify({ customerId, currency: 'EUR', items }),
      };
      const response = await call(stack.env, '/orders', init);
      expect(response.status).toBe(201);
      const { id } = (await response.json()) as { id: string };
      if (next() < 0.05)
        expect(((await (await call(stack.env, '/orders', init)).json()) as { id: string }).id).toBe(id);
      if (next() < 0.1) {
        const cancelled = await call(stack.env, `/orders/${id}/cancel`, { method: 'POST' });
        expect([200, 409]).toContain(cancelled.status);
        if (cancelled.status === 200) cancels++;
      }
    }
  };
  await Promise.all(Array.from({ length: 16 }, worker));
  expect(cancels).toBeGreaterThan(0);

  // Every record once more, as a relay without exactly-once would do it.
  const producer = kafkaOf(stack.env).producer({ idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  for (const topic of ['order-events', 'payment-events', 'inventory-events']) {
    const records = await readTopic(stack.env, topic);
    for (let from = 0; from < records.length; from += 1000) {
      const messages = records.slice(from, from + 1000).map(({ key, value, partition, headers }) => ({
        key,
        value,
        partition,
        ...(headers && { headers }),
      }));
      await producer.send({ topic, messages });
    }
  }
  await producer.disconnect();

  await eventually(async () => {
    const [row] = await query('orders', `select count(*)::int as n from orders where status = 'PENDING'`);
    return row?.['n'] === 0 ? true : undefined;
  }, 300);
  const moving = `select count(*)::int as n from payments where status not in ('AUTHORIZED', 'DECLINED', 'REFUNDED')`;
  await eventually(async () => ((await query('payments', moving))[0]?.['n'] === 0 ? true : undefined), 120);

  const confirmedIds = `select id from orders where status = 'CONFIRMED'`;
  const [confirmed] = await query(
    'orders',
    `select count(*)::int as n, sum(total_amount)::bigint as total from orders where status = 'CONFIRMED'`,
  );
  const charged = `select coalesce(sum(amount), 0)::bigint as total, count(*)::int as n from payments where status = 'AUTHORIZED'`;
  await eventually(async () => {
    const [row] = await query('payments', charged);
    return row?.['total'] === confirmed?.['total'] ? true : undefined;
  }, 120);
  expect((await query('payments', charged))[0]).toEqual({ total: confirmed?.['total'], n: confirmed?.['n'] });
  const [all] = await query('orders', 'select count(*)::int as n from orders');
  expect(all?.['n']).toBe(ORDERS);

  const ids = new Set((await query('orders', confirmedIds)).map(({ id }) => id));
  const reserved = await eventually(async () => {
    const rows = await query(
      'inventory',
      `select distinct order_id as id from reservations where status = 'RESERVED'`,
    );
    return rows.length === ids.size ? rows : undefined;
  }, 120);
  expect(reserved.filter(({ id }) => !ids.has(id))).toEqual([]);
  const after = await query('inventory', STOCK);
  expect(after.map(({ sku, total }) => [sku, total])).toEqual(before.map(({ sku, total }) => [sku, total]));
  const held = await query(
    'inventory',
    `select s.sku from stock s left join (select sku, sum(quantity) as quantity from reservations
       where status = 'RESERVED' group by sku) r using (sku) where s.reserved <> coalesce(r.quantity, 0)`,
  );
  expect(held).toEqual([]);
  const deadLetters = 'select state, topic, key::text, attempts, error_code, error_message from dead_letters';
  for (const database of ['orders', 'payments', 'inventory', 'notifications'])
    expect([database, await query(database, deadLetters)]).toEqual([database, []]);
  const [mails] = await query(
    'notifications',
    'select count(*)::int as n, count(distinct id)::int as ids from emails',
  );
  expect(mails).toEqual({ n: 2 * ORDERS, ids: 2 * ORDERS });
}, 900_000);

test('a consumer whose database is away for 30 s sets nothing aside, catches up, and nobody else notices', async () => {
  const port = setting(stack.env, 'PAYMENT_PORT');
  const pid = stack.pid('payment');
  const readiness = async () => (await fetch(`http://127.0.0.1:${port}/health/ready`)).status;
  await query('payments', 'revoke connect on database payments from payments_app');
  await query(
    'payments',
    `select pg_terminate_backend(pid) from pg_stat_activity where usename = 'payments_app'`,
  );
  const until = Date.now() + 30_000;
  const ids = await placeOrders(stack.env, 200);
  await eventually(async () => ((await readiness()) === 503 ? true : undefined));
  const list = ids.map((id) => `'${id}'`).join(',');
  await eventually(async () => {
    const [row] = await query(
      'notifications',
      `select count(*)::int as n from emails where order_id in (${list})`,
    );
    return row?.['n'] === 200 ? true : undefined;
  }, 20);
  await eventually(async () => (Date.now() >= until ? true : undefined));
  expect(await readiness()).toBe(503);
  await query('payments', 'grant connect on database payments to payments_app');
  for (const id of ids) expect((await endOf(stack.env, id)).status).toBe('CONFIRMED');
  expect(await readiness()).toBe(200);
  expect(stack.pid('payment')).toBe(pid);
  expect(await query('payments', 'select id from dead_letters')).toEqual([]);
});
