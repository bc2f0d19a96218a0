import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { handleBatch } from '@walpost/kit/consumer/handle-batch';
import { createOutboxEncoder } from '@walpost/kit/outbox/outbox';
import { childTraceparent } from '@walpost/kit/telemetry/trace';
import { sql } from 'drizzle-orm';
import { v7 as uuidv7 } from 'uuid';
import { readOutbox, received } from 'walpost/testing/received';
import { contract } from '../../../schemas/contract.generated.ts';
import { openTestDatabase, type TestDatabase } from '../../../tests/stack/database.ts';
import { whileChanging } from '../../../tests/stack/while-changing.ts';
import { createCancelOrder } from '../cancel-order.ts';
import { expireOrders } from '../expire-orders.ts';
import { findOrder } from '../find-orders.ts';
import { onReply } from '../on-reply.ts';
import type { Reply } from '../order.ts';
import { createPlaceOrder } from '../place-order.ts';

const encode = createOutboxEncoder(contract, '/walpost/order-service', () => 1);
let now = new Date('2026-01-02T03:04:05.000Z');
const clock = () => now;
let database: TestDatabase;

beforeAll(async () => {
  database = await openTestDatabase('orders');
});
afterAll(() => database?.close());

async function place(): Promise<string> {
  const placeOrder = createPlaceOrder(database.db, encode, clock);
  const request = { customerId: 'ada', currency: 'EUR', items: [{ sku: 'A', quantity: 1, unitPrice: 5 }] };
  const result = await placeOrder(request, {
    idempotencyKey: undefined,
    traceparent: childTraceparent(undefined),
  });
  if (result.outcome === 'key-reused') throw new Error('no key was given');
  return result.order.id;
}

function reply(orderId: string, type: Reply['type']): Reply {
  const money = { orderId, paymentId: uuidv7(), amount: 5, currency: 'EUR' };
  switch (type) {
    case 'PaymentAuthorized':
      return { type, data: { ...money, authorizedAt: 1 } };
    case 'PaymentDeclined':
      return { type, data: { ...money, reason: 'no', declinedAt: 1 } };
    case 'StockReserved':
      return { type, data: { orderId, items: [], reservedAt: 1 } };
    case 'StockRejected':
      return { type, data: { orderId, sku: 'A', reason: 'not enough stock', rejectedAt: 1 } };
  }
}

const on = () => onReply(encode, clock);
const answer = (...replies: Reply[]) =>
  handleBatch(
    database.db,
    on(),
    replies.map((each) => received(each)),
  );

async function history(id: string): Promise<string[]> {
  const events = (await readOutbox(database.admin)).filter(({ orderId }) => orderId === id);
  return events.map(({ type, version }) => `${version} ${type}`);
}

test('two yes confirm, one no cancels, in one batch and over several', async () => {
  const [yes, no, half] = [await place(), await place(), await place()];
  await answer(
    reply(yes, 'PaymentAuthorized'),
    reply(no, 'PaymentDeclined'),
    reply(half, 'PaymentAuthorized'),
  );
  await answer(reply(no, 'StockReserved'), reply(yes, 'StockReserved'));
  expect(await history(yes)).toEqual(['1 OrderCreated', '2 OrderConfirmed']);
  expect(await history(no)).toEqual(['1 OrderCreated', '2 OrderCancelled']);
  expect(await history(half)).toEqual(['1 OrderCreated']);
  expect((await findOrder(database.db, half))?.status).toBe('PENDING');
});

test('answers of both topics at once, many times over, and a cancel in between: one end each', async () => {
  const ids = await Promise.all(Array.from({ length: 40 }, place));
  const cancel = createCancelOrder(database.db, encode, clock);
  const batches = [
    ids.map((id) => reply(id, 'PaymentAuthorized')),
    [...ids].reverse().map((id) => reply(id, 'StockReserved')),
  ];
  await Promise.all([
    ...[...batches, ...batches].map((batch) => answer(...batch)),
    ...ids.slice(0, 10).map((id) => cancel(id, childTraceparent(undefined)).catch(() => undefined)),
  ]);
  for (const id of ids) {
    const [first, end, ...more] = await history(id);
    expect([first, more]).toEqual(['1 OrderCreated', []]);
    expect(end).toMatch(/^2 Order(Confirmed|Cancelled)$/);
  }
});

test('a cancel that comes while the order is being confirmed is too late', async () => {
  const id = await place();
  const cancel = createCancelOrder(database.db, encode, clock);
  const confirm = sql`update orders set status = 'CONFIRMED', version = 2 where id = ${id}`;
  await expect(
    whileChanging(database, confirm, () => cancel(id, childTraceparent(undefined))),
  ).rejects.toMatchObject({ code: 'order-finished' });
  expect((await findOrder(database.db, id))?.status).toBe('CONFIRMED');
});

test('the last answer that comes while the order is being cancelled is only noted', async () => {
  const id = await place();
  await answer(reply(id, 'PaymentAuthorized'));
  const cancel = sql`update orders set status = 'CANCELLED', version = 2 where id = ${id}`;
  await whileChanging(database, cancel, () => answer(reply(id, 'StockReserved')));
  expect(await findOrder(database.db, id)).toMatchObject({
    status: 'CANCELLED',
    stock: 'RESERVED',
    version: 2,
  });
  expect(await history(id)).toEqual(['1 OrderCreated']);
});

test('a sweep passes over an order that somebody is at', async () => {
  const id = await place();
  const placedBefore = new Date(now.getTime() + 1);
  await database.openAnother().db.transaction(async (tx) => {
    await tx.execute(sql`select id from orders where id = ${id} for update`);
    await expireOrders(database.db, encode, placedBefore, now);
    expect((await findOrder(database.db, id))?.status).toBe('PENDING');
  });
});

test('a reply to an order that nobody placed is refused', async () => {
  await expect(answer(reply(uuidv7(), 'StockReserved'))).rejects.toMatchObject({
    code: 'unknown-order',
    retryable: true,
  });
});

test('an overdue order is cancelled once, by one of several sweeps, and names who did not answer', async () => {
  const overdue = await place();
  await answer(reply(overdue, 'StockReserved'));
  now = new Date(now.getTime() + 60_000);
  const young = await place();
  const placedBefore = new Date(now.getTime() - 30_000);
  await Promise.all(
    Array.from({ length: 4 }, () => expireOrders(database.openAnother().db, encode, placedBefore, now)),
  );
  expect(await expireOrders(database.db, encode, placedBefore, now)).toBe(0);
  expect(await findOrder(database.db, overdue)).toMatchObject({
    status: 'CANCELLED',
    cancellationReason: 'no answer from payment in time',
  });
  expect(await history(overdue)).toEqual(['1 OrderCreated', '2 OrderCancelled']);
  expect((await findOrder(database.db, young))?.status).toBe('PENDING');
});
