import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { handleBatch } from '@walpost/kit/consumer/handle-batch';
import type { DomainEvent } from '@walpost/kit/contract/contract';
import { createOutboxEncoder } from '@walpost/kit/outbox/outbox';
import type { Database } from '@walpost/kit/postgres/database';
import { createLogger } from '@walpost/kit/telemetry/logger';
import { sql } from 'drizzle-orm';
import { v7 as uuidv7 } from 'uuid';
import { readOutbox, received } from 'walpost/testing/received';
import { eventually } from 'walpost/testing/support';
import { declaredColumns, migratedColumns } from 'walpost/testing/table-columns';
import { contract } from '../../../schemas/contract.generated.ts';
import { openTestDatabase, type TestDatabase } from '../../../tests/stack/database.ts';
import { whileChanging } from '../../../tests/stack/while-changing.ts';
import { buildApp } from '../app.ts';
import { claimPayments } from '../claim-payments.ts';
import type { GatewayRequest, PaymentGateway } from '../gateway.ts';
import { onOrderEvent } from '../on-order-event.ts';
import { type PaymentOutcome, recordPaymentOutcomes } from '../record-payment-outcomes.ts';
import { createSimulatedGateway } from '../simulated-gateway.ts';
import { startPaymentWorker } from '../start-payment-worker.ts';
import { payments } from '../tables.ts';

const logger = createLogger('test', 'silent');
const encode = createOutboxEncoder(contract, '/walpost/payment-service', () => 1);
const clock = () => new Date();
const on = onOrderEvent(encode, clock);
const LEASE = 30_000;

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase('payments');
});
afterAll(() => database.close());
beforeEach(() => database.admin`truncate payments, inbox, outbox`);

const created = (orderId: string, customerId = 'alice', totalAmount = 1000): DomainEvent => ({
  type: 'OrderCreated',
  data: { orderId, customerId, currency: 'EUR', items: [], totalAmount, createdAt: 0 },
});
const cancelled = (orderId: string): DomainEvent => ({
  type: 'OrderCancelled',
  data: {
    orderId,
    customerId: 'alice',
    currency: 'EUR',
    totalAmount: 1000,
    reason: 'because',
    cancelledAt: 0,
  },
});
const handle = (...events: ReturnType<typeof received>[]) => handleBatch(database.db, on, events);
const authorized = (item: PaymentOutcome['item']): PaymentOutcome => ({
  item,
  result: { type: 'authorized' },
});

async function statuses(): Promise<string[]> {
  const rows = await database.db.select().from(payments);
  return rows.map(({ status }) => status).sort();
}

async function published(): Promise<string[]> {
  return (await readOutbox(database.admin)).map(({ type, version }) => `${type} ${version}`);
}

/** Charges for real, as far as a test goes: it keeps the books, and does nothing twice for one key. */
function bookkeeper(
  gateway = createSimulatedGateway({ limit: 1000, declinedCustomers: ['mallory'], latency: 0 }),
) {
  const charged = new Map<string, number>();
  const refunded = new Map<string, number>();
  const calls: string[] = [];
  const books: PaymentGateway = {
    async authorize(request: GatewayRequest, signal) {
      calls.push(`authorize ${request.idempotencyKey}`);
      const answer = await gateway.authorize(request, signal);
      if (answer.authorized) charged.set(request.idempotencyKey, request.amount);
      return answer;
    },
    async refund(request: GatewayRequest, signal) {
      calls.push(`refund ${request.idempotencyKey}`);
      await gateway.refund(request, signal);
      if (!charged.has(request.idempotencyKey)) throw new Error('refund of what was never charged');
      refunded.set(request.idempotencyKey, request.amount);
    },
  };
  const sum = (amounts: Map<string, number>) => [...amounts.values()].reduce((a, b) => a + b, 0);
  return { books, calls, charged: () => sum(charged), refunded: () => sum(refunded) };
}

/** Runs workers until no payment waits for the gateway. */
async function work(gateway: PaymentGateway, pools: Database[] = [database]): Promise<void> {
  const workers = pools.map(({ db }) => startPaymentWorker({ db, encode, gateway, clock, logger }));
  try {
    await eventually(async () => {
      const [row] = await database.admin`
        select count(*)::int as due from payments where next_attempt_at is not null`;
      for (const worker of workers) worker.wake();
      return row?.due === 0 || undefined;
    });
  } finally {
    await Promise.all(workers.map((worker) => worker.close()));
  }
}

test('the tables are what the migrations made', async () => {
  expect(await migratedColumns(database.admin, payments)).toEqual(declaredColumns(payments));
});

test('a yes of the gateway that is written while the order is being cancelled is refunded', async () => {
  await handle(received(created(uuidv7())));
  const [claimed] = await claimPayments(database.db, 1, LEASE, clock());
  if (!claimed) throw new Error('nothing claimed');
  const cancel = sql`update payments set status = 'CANCELLING' where id = ${claimed.id}`;
  await whileChanging(database, cancel, () =>
    recordPaymentOutcomes(database.db, encode, [authorized(claimed)], clock()),
  );
  expect(await statuses()).toEqual(['REFUNDING']);
});

test('a cancel that comes while the gateway’s yes is being written is a refund', async () => {
  const orderId = uuidv7();
  await handle(received(created(orderId)));
  const recordOutcomes = sql`update payments set status = 'AUTHORIZED', version = 1, next_attempt_at = null
    where order_id = ${orderId}`;
  await whileChanging(database, recordOutcomes, () => handle(received(cancelled(orderId), 2)));
  expect(await statuses()).toEqual(['REFUNDING']);
});

test('a worker passes over a payment that somebody is at', async () => {
  await handle(received(created(uuidv7())));
  await database.openAnother().db.transaction(async (tx) => {
    await tx.execute(sql`select id from payments for update`);
    expect(await claimPayments(database.db, 10, LEASE, clock())).toEqual([]);
  });
});

test('a new order is charged, and a declined one is not', async () => {
  await handle(
    received(created(uuidv7())),
    received(created(uuidv7(), 'mallory')),
    received(created(uuidv7(), 'bob', 1001)),
  );
  expect(await statuses()).toEqual(['REQUESTED', 'REQUESTED', 'REQUESTED']);
  const { books, charged } = bookkeeper();
  await work(books);
  expect(await statuses()).toEqual(['AUTHORIZED', 'DECLINED', 'DECLINED']);
  expect((await published()).sort()).toEqual([
    'PaymentAuthorized 1',
    'PaymentDeclined 1',
    'PaymentDeclined 1',
  ]);
  expect(charged()).toBe(1000);
});

test('an event that comes twice, and an order that is announced twice, make one payment', async () => {
  const orderId = uuidv7();
  const event = received(created(orderId));
  await handle(event, event);
  await handle(event);
  await handle(received(created(orderId)));
  expect(await statuses()).toEqual(['REQUESTED']);
});

test('a cancel before any call: never charged, and one answer published', async () => {
  const orderId = uuidv7();
  await handle(received(created(orderId)), received(cancelled(orderId), 2));
  const { books, calls } = bookkeeper();
  await work(books);
  expect(calls).toEqual([]);
  expect(await statuses()).toEqual(['DECLINED']);
  expect(await readOutbox(database.admin)).toMatchObject([
    { type: 'PaymentDeclined', orderId, version: 1, data: { reason: 'order cancelled' } },
  ]);
});

test('a cancel after the charge: refunded once', async () => {
  const orderId = uuidv7();
  const { books, charged, refunded, calls } = bookkeeper();
  await handle(received(created(orderId)));
  await work(books);
  await handle(received(cancelled(orderId), 2));
  await handle(received(cancelled(orderId), 3));
  await work(books);
  expect(await statuses()).toEqual(['REFUNDED']);
  expect(await published()).toEqual(['PaymentAuthorized 1', 'PaymentRefunded 2']);
  expect([charged(), refunded(), calls.length]).toEqual([1000, 1000, 2]);
});

test('a cancel while the authorization is under way ends in a refund', async () => {
  const orderId = uuidv7();
  await handle(received(created(orderId)));
  const { books, charged, refunded } = bookkeeper();
  let cancelling: Promise<unknown> | undefined;
  const interrupted: PaymentGateway = {
    ...books,
    async authorize(request, signal) {
      // The order is cancelled, and that is committed, between the call and its answer.
      cancelling ??= handle(received(cancelled(orderId), 2));
      await cancelling;
      expect(await statuses()).toEqual(['CANCELLING']);
      return books.authorize(request, signal);
    },
  };
  await work(interrupted);
  expect(await statuses()).toEqual(['REFUNDED']);
  expect(await published()).toEqual(['PaymentAuthorized 1', 'PaymentRefunded 2']);
  expect([charged(), refunded()]).toEqual([1000, 1000]);
});

test('a worker that dies between the call and recording its outcome: claimed again after the lease, charged once', async () => {
  await handle(received(created(uuidv7())));
  const now = new Date();
  const [first] = await claimPayments(database.db, 10, LEASE, now);
  expect(first).toMatchObject({ status: 'AUTHORIZING', attempts: 1 });
  expect(await claimPayments(database.db, 10, LEASE, new Date(now.getTime() + LEASE - 1))).toEqual([]);
  const [again] = await claimPayments(database.db, 10, LEASE, new Date(now.getTime() + LEASE));
  expect(again).toMatchObject({ id: first?.id, attempts: 2 });
  if (!first || !again) throw new Error('nothing claimed');

  await recordPaymentOutcomes(database.db, encode, [authorized(again)], now);
  // The first one was only slow, and answers the same: that changes nothing.
  await recordPaymentOutcomes(database.db, encode, [authorized(first)], now);
  expect(await published()).toEqual(['PaymentAuthorized 1']);
});

test('a payment whose time was written by a clock that was days ahead is not forgotten', async () => {
  await handle(received(created(uuidv7())));
  await database.admin`update payments set next_attempt_at = now() + interval '15 days'`;
  await work(bookkeeper().books);
  expect(await statuses()).toEqual(['AUTHORIZED']);
});

test('a late failure does not undo the lease of the next claim', async () => {
  await handle(received(created(uuidv7())));
  const now = new Date();
  const [first] = await claimPayments(database.db, 10, LEASE, now);
  const later = new Date(now.getTime() + LEASE);
  await claimPayments(database.db, 10, LEASE, later);
  if (!first) throw new Error('nothing claimed');
  await recordPaymentOutcomes(
    database.db,
    encode,
    [{ item: first, error: new Error('late'), retryIn: 0 }],
    later,
  );
  expect(await claimPayments(database.db, 10, LEASE, later)).toEqual([]);
  expect((await database.db.select().from(payments))[0]?.lastError).toBeNull();
});

test('a failed call is tried again with the same key, and its error is kept meanwhile', async () => {
  await handle(received(created(uuidv7())));
  const { books, calls } = bookkeeper();
  let errors: (string | null)[] = [];
  const flaky: PaymentGateway = {
    ...books,
    async authorize(request, signal) {
      const answer = await books.authorize(request, signal);
      if (calls.length < 3) throw new Error(`time-out ${calls.length}`);
      errors = (await database.db.select().from(payments)).map(({ lastError }) => lastError);
      return answer;
    },
  };
  await work(flaky);
  expect(new Set(calls).size).toBe(1);
  expect(calls).toHaveLength(3);
  expect(errors).toEqual(['time-out 2']);
  expect(await published()).toEqual(['PaymentAuthorized 1']);
});

test('an answer that contradicts an earlier one is refused, and nothing is written', async () => {
  await handle(received(created(uuidv7())));
  const [row] = await claimPayments(database.db, 1, LEASE, new Date());
  if (!row) throw new Error('nothing claimed');
  await recordPaymentOutcomes(database.db, encode, [authorized(row)], new Date());
  const contradiction: PaymentOutcome = { item: row, result: { type: 'declined', reason: 'no' } };
  await expect(recordPaymentOutcomes(database.db, encode, [contradiction], new Date())).rejects.toThrow(
    'is AUTHORIZED, and the gateway says it is declined',
  );
  expect(await statuses()).toEqual(['AUTHORIZED']);
});

test('several workers claim a row once, and never more than they ask for', async () => {
  await handle(...Array.from({ length: 60 }, () => received(created(uuidv7()))));
  const now = new Date();
  const pools = [database, database.openAnother(), database.openAnother()];
  const claims = await Promise.all(
    Array.from({ length: 12 }, (_, n) => claimPayments((pools[n % 3] ?? database).db, 5, LEASE, now)),
  );
  const ids = claims.flat().map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(Math.max(...claims.map((each) => each.length))).toBeLessThanOrEqual(5);
});

test('300 orders, cancels in between, two workers: charged minus refunded is what stays authorized', async () => {
  const orders = Array.from({ length: 300 }, (_, n) => ({
    id: uuidv7(),
    customer: n % 7 === 0 ? 'mallory' : 'bob',
  }));
  const { books, charged, refunded } = bookkeeper();
  const pools = [database, database.openAnother()];
  const working: Promise<void>[] = [];
  for (let at = 0; at < orders.length; at += 50) {
    const batch = orders.slice(at, at + 50);
    await handle(...batch.map(({ id, customer }) => received(created(id, customer))));
    working.push(work(books, pools));
    await handle(...batch.filter((_, n) => n % 3 === 0).map(({ id }) => received(cancelled(id), 2)));
  }
  await Promise.all([...working, work(books, pools)]);

  const rows = await database.db.select().from(payments);
  const standing = rows.filter(({ status }) => status === 'AUTHORIZED');
  expect(charged() - refunded()).toBe(standing.length * 1000);
  expect(rows.filter(({ status }) => !['AUTHORIZED', 'REFUNDED', 'DECLINED'].includes(status))).toEqual([]);
  // One first answer for each order, and versions without a gap.
  const events = await readOutbox(database.admin);
  for (const { id } of orders) {
    const own = events.filter(({ orderId }) => orderId === id).map(({ version }) => version);
    expect(own).toEqual(own.length === 2 ? [1, 2] : [1]);
  }
});

test('GET /payments/:orderId answers, 404 and 400 as problems', async () => {
  const orderId = uuidv7();
  await handle(received(created(orderId)));
  const app = await buildApp({ db: database.db, logger, readiness: {} });
  const found = await app.inject(`/payments/${orderId}`);
  expect(found.json()).toMatchObject({ orderId, customerId: 'alice', amount: 1000, status: 'REQUESTED' });
  const missing = await app.inject(`/payments/${uuidv7()}`);
  expect([missing.statusCode, missing.headers['content-type']]).toEqual([
    404,
    'application/problem+json; charset=utf-8',
  ]);
  expect((await app.inject('/payments/nonsense')).statusCode).toBe(400);
  await app.close();
});

test('the service cannot change or read what it has published', async () => {
  await expect(database.db.execute('delete from outbox')).rejects.toMatchObject({ code: '42501' });
});
