import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { handleBatch } from '@walpost/kit/consumer/handle-batch';
import type { Received } from '@walpost/kit/consumer/receive';
import type { DomainEvent } from '@walpost/kit/contract/contract';
import { createOutboxEncoder } from '@walpost/kit/outbox/outbox';
import { createLogger } from '@walpost/kit/telemetry/logger';
import { sql } from 'drizzle-orm';
import { v7 as uuidv7 } from 'uuid';
import { readOutbox, received } from 'walpost/testing/received';
import { declaredColumns, migratedColumns } from 'walpost/testing/table-columns';
import { contract } from '../../../schemas/contract.generated.ts';
import { openTestDatabase, type TestDatabase } from '../../../tests/stack/database.ts';
import { whileChanging } from '../../../tests/stack/while-changing.ts';
import { buildApp } from '../app.ts';
import { onOrderEvent } from '../on-order-event.ts';
import type { Line } from '../stock.ts';
import { reservations, stock } from '../tables.ts';

const logger = createLogger('test', 'silent');
const encode = createOutboxEncoder(contract, '/walpost/inventory-service', () => 1);
const on = onOrderEvent(encode, () => new Date());

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase('inventory');
});
afterAll(() => database.close());
beforeEach(async () => {
  await database.admin`truncate stock, reservations, inbox, outbox`;
  await database.admin`insert into stock (sku, on_hand) values ('A', 10), ('B', 10), ('C', 10), ('NONE', 0)`;
});

const created = (orderId: string, ...items: Line[]): DomainEvent => ({
  type: 'OrderCreated',
  data: {
    orderId,
    customerId: 'alice',
    currency: 'EUR',
    items: items.map((item) => ({ ...item, unitPrice: 1 })),
    totalAmount: 1,
    createdAt: 0,
  },
});
const cancelled = (orderId: string): DomainEvent => ({
  type: 'OrderCancelled',
  data: { orderId, customerId: 'alice', currency: 'EUR', totalAmount: 1, reason: 'because', cancelledAt: 0 },
});
const handle = (...events: Received[]) => handleBatch(database.db, on, events);

async function levels(): Promise<Record<string, [number, number]>> {
  const rows = await database.db.select().from(stock);
  return Object.fromEntries(rows.map(({ sku, onHand, reserved }) => [sku, [onHand, reserved]]));
}

test('the tables are what the migrations made', async () => {
  for (const table of [stock, reservations]) {
    expect(await migratedColumns(database.admin, table)).toEqual(declaredColumns(table));
  }
});

test('an order that comes while another takes the last pieces gets none', async () => {
  const take = sql`update stock set on_hand = 0, reserved = 10 where sku = 'A'`;
  await whileChanging(database, take, () =>
    handle(received(created(uuidv7(), { sku: 'A', quantity: 1 }, { sku: 'B', quantity: 1 }))),
  );
  const rows = await database.db.select().from(reservations);
  expect(rows.map(({ status }) => status)).toEqual(['REJECTED', 'REJECTED']);
  expect(await levels()).toMatchObject({ A: [0, 10], B: [10, 0] });
});

test('a new database has the seed', async () => {
  const fresh = await openTestDatabase('inventory');
  const rows = await fresh.db.select().from(stock).orderBy(stock.sku);
  expect(rows.map(({ sku, onHand, reserved }) => `${sku} ${onHand} ${reserved}`)).toEqual([
    'BOOK-1 1000000 0',
    'BOOK-2 1000000 0',
    'LAMP-1 3 0',
    'MUG-1 1000000 0',
    'PEN-1 1000000 0',
    'SOLD-OUT 0 0',
  ]);
  await fresh.close();
});

test('one batch: reserved, rejected for want of stock, and for an unknown sku', async () => {
  const [first, second, third] = [uuidv7(), uuidv7(), uuidv7()] as const;
  await handle(
    received(created(first, { sku: 'A', quantity: 4 }, { sku: 'A', quantity: 4 }, { sku: 'B', quantity: 1 })),
    received(created(second, { sku: 'B', quantity: 1 }, { sku: 'A', quantity: 3 })),
    received(created(third, { sku: 'nothing', quantity: 1 })),
  );
  expect(await levels()).toEqual({ A: [2, 8], B: [9, 1], C: [10, 0], NONE: [0, 0] });
  const events = await readOutbox(database.admin);
  expect(events.map(({ type, version, orderId }) => [type, version, orderId])).toEqual([
    ['StockReserved', 1, first],
    ['StockRejected', 1, second],
    ['StockRejected', 1, third],
  ]);
  expect(events[0]?.data).toMatchObject({
    items: [
      { sku: 'A', quantity: 8 },
      { sku: 'B', quantity: 1 },
    ],
  });
  expect(events[1]?.data).toMatchObject({ sku: 'A', reason: 'not enough stock' });
  expect(events[2]?.data).toMatchObject({ sku: 'nothing', reason: 'unknown sku' });
});

test('an event that comes twice, and an order that is announced twice, reserve once', async () => {
  const orderId = uuidv7();
  const event = received(created(orderId, { sku: 'A', quantity: 2 }));
  await handle(event, event);
  await handle(event);
  await handle(received(created(orderId, { sku: 'A', quantity: 2 })));
  expect((await levels())['A']).toEqual([8, 2]);
  expect(await readOutbox(database.admin)).toHaveLength(1);
});

test('a cancel releases once, in the same batch or later; a rejected order has nothing to release', async () => {
  const [same, later, rejected] = [uuidv7(), uuidv7(), uuidv7()] as const;
  await handle(
    received(created(same, { sku: 'A', quantity: 1 }, { sku: 'B', quantity: 2 })),
    received(created(later, { sku: 'B', quantity: 3 })),
    received(created(rejected, { sku: 'NONE', quantity: 1 })),
    received(cancelled(same), 2),
  );
  expect(await levels()).toEqual({ A: [10, 0], B: [7, 3], C: [10, 0], NONE: [0, 0] });
  await handle(
    received(cancelled(later), 2),
    received(cancelled(rejected), 2),
    received(cancelled(uuidv7()), 2),
  );
  await handle(received(cancelled(later), 3));
  expect(await levels()).toEqual({ A: [10, 0], B: [10, 0], C: [10, 0], NONE: [0, 0] });
  const events = await readOutbox(database.admin);
  expect(events.map(({ type, version }) => `${type} ${version}`)).toEqual([
    'StockReserved 1',
    'StockReleased 2',
    'StockReserved 1',
    'StockReleased 2',
    'StockRejected 1',
  ]);
});

test('many processes at once: no deadlock, never below zero, every piece accounted for', async () => {
  await database.admin`update stock set on_hand = 150 where sku <> 'NONE'`;
  const pools = [database, database.openAnother(), database.openAnother(), database.openAnother()];
  const skus = ['A', 'B', 'C'];
  // Each process has its own orders, as it would have its own partitions; the skus come in every order.
  await Promise.all(
    pools.map(async ({ db }, process) => {
      let open: string[] = [];
      for (let round = 0; round < 25; round++) {
        const orders = Array.from({ length: 10 }, () => uuidv7());
        const batch = orders.map((id, n) =>
          received(
            created(
              id,
              { sku: skus[(n + process) % 3] ?? '', quantity: 1 + (n % 3) },
              { sku: skus[(n + process + round) % 3] ?? '', quantity: 1 },
            ),
          ),
        );
        // The cancels touch stock rows that the orders before them in the batch do not.
        const cancels = [...open, ...orders.slice(0, 5)].map((id) => received(cancelled(id), 2));
        await handleBatch(db, on, [...batch.slice(0, 5), ...cancels, ...batch.slice(5)]);
        open = orders.slice(round % 2 === 0 ? 5 : 8);
      }
    }),
  );
  const now = await levels();
  const held = await database.admin<{ sku: string; quantity: number }[]>`
    select sku, sum(quantity)::int as quantity from reservations where status = 'RESERVED' group by sku`;
  for (const sku of skus) {
    const [onHand = -1, reserved = -1] = now[sku] ?? [];
    expect(onHand).toBeGreaterThanOrEqual(0);
    expect(onHand + reserved).toBe(150);
    expect(reserved).toBe(held.find((each) => each.sku === sku)?.quantity ?? 0);
  }
  const [row] =
    await database.admin`select deadlocks::int from pg_stat_database where datname = ${database.name}`;
  expect(row?.deadlocks).toBe(0);
});

test('transactions that touch the same rows in opposite groups do not wait in a circle', async () => {
  const other = database.openAnother();
  for (let round = 0; round < 20; round++) {
    const [a, b] = [uuidv7(), uuidv7()] as const;
    await handle(
      received(created(a, { sku: 'A', quantity: 1 })),
      received(created(b, { sku: 'B', quantity: 1 })),
    );
    await Promise.all([
      handleBatch(database.db, on, [
        received(created(uuidv7(), { sku: 'B', quantity: 1 })),
        received(cancelled(a), 2),
      ]),
      handleBatch(other.db, on, [
        received(created(uuidv7(), { sku: 'A', quantity: 1 })),
        received(cancelled(b), 2),
      ]),
    ]);
  }
  expect((await levels())['C']).toEqual([10, 0]);
});

test('the read-only routes answer, 404 and 400 as problems', async () => {
  const orderId = uuidv7();
  await handle(received(created(orderId, { sku: 'A', quantity: 2 }, { sku: 'NONE', quantity: 1 })));
  const app = await buildApp({ db: database.db, logger, readiness: {} });
  expect((await app.inject('/stock?limit=2')).json()).toEqual({
    stock: [
      { sku: 'A', onHand: 10, reserved: 0 },
      { sku: 'B', onHand: 10, reserved: 0 },
    ],
  });
  expect((await app.inject('/stock/C')).json()).toEqual({ sku: 'C', onHand: 10, reserved: 0 });
  expect((await app.inject(`/reservations/${orderId}`)).json()).toMatchObject({
    orderId,
    status: 'REJECTED',
    items: [
      { sku: 'A', quantity: 2 },
      { sku: 'NONE', quantity: 1, reason: 'not enough stock' },
    ],
  });
  expect((await app.inject('/stock/nothing')).statusCode).toBe(404);
  expect((await app.inject(`/reservations/${uuidv7()}`)).statusCode).toBe(404);
  expect((await app.inject('/reservations/nonsense')).statusCode).toBe(400);
  await app.close();
});
