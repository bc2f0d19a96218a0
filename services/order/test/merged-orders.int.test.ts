import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { App } from '@walpost/kit/http/http';
import { createOutboxEncoder } from '@walpost/kit/outbox/outbox';
import { createLogger } from '@walpost/kit/telemetry/logger';
import { readOutbox } from 'walpost/testing/received';
import { type Answer, type Ask, serve } from 'walpost/testing/serve';
import { eventually } from 'walpost/testing/support';
import { contract } from '../../../schemas/contract.generated.ts';
import { openTestDatabase, type TestDatabase } from '../../../tests/stack/database.ts';
import { buildApp } from '../app.ts';

let database: TestDatabase;
let app: App;
let ask: Ask;

const build = () =>
  buildApp({
    databases: { intake: database.db, cancels: database.db, reads: database.db },
    encode: createOutboxEncoder(contract, '/walpost/order-service', () => 1),
    clock: () => new Date(),
    logger: createLogger('test', 'silent'),
    readiness: { database: database.ping },
  });

beforeAll(async () => {
  database = await openTestDatabase('orders');
  app = await build();
  ask = await serve(app);
});
afterAll(async () => {
  await app?.close();
  await database?.close();
});
beforeEach(() => database.admin`truncate orders, outbox`);

const times = <T>(count: number, make: (at: number) => T) =>
  Array.from({ length: count }, (_, at) => make(at));

function post(customerId: string, headers: Record<string, string> = {}, to: Ask = ask): Promise<Answer> {
  const items = [{ sku: 'BOOK-1', quantity: 1, unitPrice: 1250 }];
  return to('/orders', { method: 'POST', headers, body: { customerId, currency: 'EUR', items } });
}

/** Every order with its event, and no event without its order: as `customer order` for each. */
async function written(): Promise<{ orders: string[]; events: string[] }> {
  const orders = await database.admin<
    { line: string }[]
  >`select customer_id || ' ' || id as line from orders`;
  const events = await readOutbox(database.admin);
  return {
    orders: orders.map(({ line }) => line).sort(),
    events: events.map(({ orderId, data }) => `${data['customerId']} ${orderId}`).sort(),
  };
}

/** How many statements the orders came in: rows of one transaction carry its id. */
async function transactions(): Promise<number> {
  const [row] = await database.admin`select count(distinct xmin::text)::int as n from orders`;
  return Number(row?.['n']);
}

test('500 orders at once are all placed, each answered with its own, in fewer transactions', async () => {
  const answers = await Promise.all(times(500, (at) => post(`customer-${at}`)));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
  const { orders, events } = await written();
  expect(answers.map(({ json }, at) => `customer-${at} ${json.id}`).sort()).toEqual(orders);
  expect(events).toEqual(orders);
  expect(await transactions()).toBeLessThan(500);
});

test('an answered order is committed: another connection sees it at once', async () => {
  const seen = times(100, async (at) => {
    const { json } = await post(`customer-${at}`);
    const rows = await database.admin`select 1 from orders where id = ${json.id}`;
    return rows.length;
  });
  expect(await Promise.all(seen)).toEqual(times(100, () => 1));
});

test('equal idempotency keys within one statement make one order; its neighbours are placed', async () => {
  const answers = await Promise.all(times(200, (at) => post('ada', { 'idempotency-key': `key-${at % 4}` })));
  expect(answers.map(({ status }) => status)).toEqual(times(200, () => 201));
  const ids = times(
    4,
    (key) => new Set(answers.filter((_, at) => at % 4 === key).map(({ json }) => json.id)),
  );
  expect(ids.map(({ size }) => size)).toEqual([1, 1, 1, 1]);
  expect(answers.filter(({ headers }) => headers.has('idempotency-replayed'))).toHaveLength(196);
  const { orders, events } = await written();
  expect(orders).toHaveLength(4);
  expect(events).toEqual(orders);
});

test('one key with two bodies in one statement: one is placed, the other refused', async () => {
  const answers = await Promise.all([
    ...times(20, () => post('ada', { 'idempotency-key': 'both' })),
    ...times(20, () => post('bob', { 'idempotency-key': 'both' })),
  ]);
  const statuses = answers.map(({ status }) => status).sort();
  expect(statuses).toEqual([...times(20, () => 201), ...times(20, () => 422)]);
  expect((await written()).orders).toHaveLength(1);
});

test('the same keys in different orders, in statements side by side, never wait in a circle', async () => {
  // Two processes of the service.
  const otherApp = await build();
  const other = await serve(otherApp);
  try {
    for (let round = 0; round < 10; round++) {
      const keys = times(60, (at) => `round-${round}-${at}`);
      const answers = await Promise.all([
        ...keys.map((key) => post('ada', { 'idempotency-key': key })),
        ...keys.toReversed().map((key) => post('ada', { 'idempotency-key': key }, other)),
      ]);
      expect(answers.filter(({ status }) => status !== 201).map(({ text }) => text)).toEqual([]);
    }
  } finally {
    await otherApp.close();
  }
  expect((await written()).orders).toHaveLength(600);
  const [row] = await database.admin`select deadlocks::int as n from pg_stat_database
    where datname = current_database()`;
  expect(row?.['n']).toBe(0);
});

test('an order that the database refuses fails alone', async () => {
  await database.admin`alter table orders add constraint no_poison check (customer_id <> 'poison')`;
  try {
    const answers = await Promise.all(times(100, (at) => post(at % 25 === 7 ? 'poison' : `customer-${at}`)));
    const failed = answers.flatMap(({ status }, at) => (status === 201 ? [] : [[at, status]]));
    expect(failed).toEqual([
      [7, 500],
      [32, 500],
      [57, 500],
      [82, 500],
    ]);
    const { orders, events } = await written();
    expect(orders).toHaveLength(96);
    expect(events).toEqual(orders);
  } finally {
    await database.admin`alter table orders drop constraint no_poison`;
  }
});

test('an event that the outbox refuses takes its order along, and no neighbour', async () => {
  await database.admin.unsafe(`
    create function refuse_poison() returns trigger language plpgsql as $$ begin
      if position('poison' in encode(new.payload, 'escape')) > 0 then raise exception 'refused' using errcode = '23514'; end if;
      return new; end $$;
    create trigger refuse before insert on outbox for each row execute function refuse_poison()`);
  try {
    const answers = await Promise.all(times(50, (at) => post(at % 10 === 3 ? 'poison' : `customer-${at}`)));
    expect(answers.filter(({ status }) => status === 500)).toHaveLength(5);
    const { orders, events } = await written();
    expect(orders).toHaveLength(45);
    expect(events).toEqual(orders);
  } finally {
    await database.admin`drop function refuse_poison cascade`;
  }
});

test('an application that is closed answers the orders that wait', async () => {
  const closing = await build();
  const to = await serve(closing);
  expect((await post('first', {}, to)).status).toBe(201);
  const requests = Promise.allSettled(times(200, () => post('ada', {}, to)));
  await eventually(async () => ((await written()).orders.length > 1 ? true : undefined));
  await closing.close();
  const answers = await requests;
  const placed = answers.filter((each) => each.status === 'fulfilled' && each.value.status === 201);
  const { orders, events } = await written();
  // Who came too late was refused, or found nobody; nobody was taken in and left without an answer.
  expect(orders).toHaveLength(placed.length + 1);
  expect(events).toEqual(orders);
});
