import { EventEmitter, once } from 'node:events';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { noAttempts, processParts } from '@walpost/kit/consumer/process-batch';
import type { Received } from '@walpost/kit/consumer/receive';
import type { DomainEvent } from '@walpost/kit/contract/contract';
import { errorCode } from '@walpost/kit/errors';
import { createOutboxEncoder } from '@walpost/kit/outbox/outbox';
import { type Db, openDatabase } from '@walpost/kit/postgres/database';
import type { RunningWorker } from '@walpost/kit/service/worker';
import { createLogger } from '@walpost/kit/telemetry/logger';
import { childTraceparent } from '@walpost/kit/telemetry/trace';
import type postgres from 'postgres';
import { v7 as uuidv7 } from 'uuid';
import { received } from 'walpost/testing/received';
import { eventually } from 'walpost/testing/support';
import { contract } from '../../schemas/contract.generated.ts';
import { onOrderEvent as onStockOrderEvent } from '../../services/inventory/on-order-event.ts';
import { onOrderEvent as onEmailOrderEvent } from '../../services/notification/on-order-event.ts';
import { startSender } from '../../services/notification/start-sender.ts';
import { onReply } from '../../services/order/on-reply.ts';
import { createPlaceOrder } from '../../services/order/place-order.ts';
import type { PaymentGateway } from '../../services/payment/gateway.ts';
import { onOrderEvent as onPaymentOrderEvent } from '../../services/payment/on-order-event.ts';
import { createSimulatedGateway } from '../../services/payment/simulated-gateway.ts';
import { startPaymentWorker } from '../../services/payment/start-payment-worker.ts';
import { openTestDatabase, type TestDatabase, type TestService } from '../stack/database.ts';

const encode = createOutboxEncoder(contract, '/walpost/test', () => 1);
const clock = () => new Date();
const logger = createLogger('test', 'silent');
const LOCK_NOT_AVAILABLE = '55P03';

const order = (orderId: string) => ({ orderId, customerId: 'ada', currency: 'EUR', totalAmount: 1250 });
const created = (orderId: string, sku = 'BOOK-1'): DomainEvent => ({
  type: 'OrderCreated',
  data: { ...order(orderId), items: [{ sku, quantity: 1, unitPrice: 1250 }], createdAt: 0 },
});
const cancelled = (orderId: string): DomainEvent => ({
  type: 'OrderCancelled',
  data: { ...order(orderId), reason: 'because', cancelledAt: 0 },
});
const reserved = (orderId: string): DomainEvent => ({
  type: 'StockReserved',
  data: { orderId, items: [], reservedAt: 0 },
});

const handlers = {
  orders: onReply(encode, clock),
  payments: onPaymentOrderEvent(encode, clock),
  inventory: onStockOrderEvent(encode, clock),
  notifications: onEmailOrderEvent(clock),
};

const databases = {} as Record<TestService, TestDatabase>;
/** With the lock_timeout of a service made shorter: what waits gives up soon. */
const withShortLockTimeout = {} as Record<TestService, ReturnType<typeof openDatabase>>;
beforeAll(async () => {
  for (const name of Object.keys(handlers) as TestService[]) {
    databases[name] = await openTestDatabase(name);
    withShortLockTimeout[name] = openDatabase({ ...databases[name].options, lockTimeout: 500 });
  }
});
afterAll(async () => {
  for (const { close } of Object.values(withShortLockTimeout)) await close();
  for (const { close } of Object.values(databases)) await close();
});

/** Handles records in one transaction, each as if from a partition of its own. @returns how each partition stopped */
async function consume(name: TestService, records: Received[]): Promise<(string | undefined)[]> {
  const { db } = withShortLockTimeout[name];
  const parts = records.map((record, partition) => ({
    batch: [inPartition(record, partition)],
    attempts: noAttempts(),
    onResult: () => undefined,
  }));
  const pauses = await processParts(db, handlers[name], parts);
  return pauses.map((paused) => paused && `${paused.verdict} ${errorCode(paused.error)}`);
}

function inPartition(record: Received, partition: number): Received {
  if ('error' in record.result) throw record.result.error;
  const position = { ...record.position, partition };
  return { ...record, position, result: { event: { ...record.result.event, position } } };
}

async function placed(db: Db): Promise<string> {
  const items = [{ sku: 'BOOK-1', quantity: 1, unitPrice: 1250 }];
  const context = { idempotencyKey: undefined, traceparent: childTraceparent(undefined) };
  const result = await createPlaceOrder(
    db,
    encode,
    clock,
  )({ customerId: 'ada', currency: 'EUR', items }, context);
  if (result.outcome === 'key-reused') throw new Error('there is no key');
  return result.order.id;
}

/** What somebody else locks; the record that needs it, and one that does not. */
interface Case {
  lock: (sql: postgres.Sql) => postgres.PendingQuery<postgres.Row[]>;
  victim: Received;
  neighbour: Received;
}

const CASES: [TestService, string, () => Promise<Case>][] = [
  [
    'orders',
    'an order',
    async () => {
      const { db } = databases.orders;
      const [locked, other] = [await placed(db), await placed(db)];
      const lock = (sql: postgres.Sql) => sql`select from orders where id = ${locked} for update`;
      return { lock, victim: received(reserved(locked)), neighbour: received(reserved(other)) };
    },
  ],
  [
    'payments',
    'a payment',
    async () => {
      const [locked, other] = [uuidv7(), uuidv7()];
      await consume('payments', [received(created(locked)), received(created(other))]);
      const lock = (sql: postgres.Sql) => sql`select from payments where order_id = ${locked} for update`;
      return { lock, victim: received(cancelled(locked), 2), neighbour: received(cancelled(other), 2) };
    },
  ],
  [
    'inventory',
    'the stock of one thing',
    async () => ({
      lock: (sql) => sql`select from stock where sku = 'BOOK-1' for update`,
      victim: received(created(uuidv7(), 'BOOK-1')),
      neighbour: received(created(uuidv7(), 'PEN-1')),
    }),
  ],
  ...(Object.keys(handlers) as TestService[]).map((name): [TestService, string, () => Promise<Case>] => [
    name,
    'an event, by an instance that is about to be replaced',
    async () => {
      const id = name === 'orders' ? await placed(databases.orders.db) : uuidv7();
      const [victim, neighbour] =
        name === 'orders'
          ? [received(reserved(id)), received(reserved(await placed(databases.orders.db)))]
          : [received(created(id)), received(created(uuidv7()))];
      const lock = (sql: postgres.Sql) => sql`
        insert into inbox (event_id, topic, key, version, received_at)
        values (${victim.id ?? ''}, 'order-events', ${id}, 1, now())`;
      return { lock, victim, neighbour };
    },
  ]),
];

test.each(CASES)('while somebody holds %s: %s, only what needs it waits', async (name, _what, prepare) => {
  const { lock, victim, neighbour } = await prepare();
  const rolledBack = new Error('rolled back');
  const holding = databases[name].admin.begin(async (tx) => {
    await lock(tx as unknown as postgres.Sql);
    expect(await consume(name, [victim, neighbour])).toEqual([`rerun ${LOCK_NOT_AVAILABLE}`, undefined]);
    throw rolledBack;
  });
  await expect(holding).rejects.toBe(rolledBack);
  // Nothing was set aside, and what has waited is handled.
  expect(await consume(name, [victim])).toEqual([undefined]);
  const [deadLetters] = await databases[name].admin`select count(*)::int as n from dead_letters`;
  expect(deadLetters?.['n']).toBe(0);
});

/** Those who call others about rows: what they start, their table, and by what a row shows that the outcome of its call was recorded. */
const WORKERS: [TestService, string, string, (db: Db, called: () => Promise<void>) => RunningWorker][] = [
  [
    'payments',
    'payments',
    `status = 'AUTHORIZED'`,
    (db, called) => {
      const simulated = createSimulatedGateway({ limit: 10_000, declinedCustomers: [], latency: 0 });
      const gateway: PaymentGateway = {
        refund: simulated.refund,
        async authorize(request, signal) {
          await called();
          return simulated.authorize(request, signal);
        },
      };
      return startPaymentWorker({ db, encode, gateway, clock, logger });
    },
  ],
  [
    'notifications',
    'emails',
    `status = 'SENT'`,
    (db, called) => {
      const send = async () => {
        await called();
        return { status: 'SENT' } as const;
      };
      return startSender({ db, mailer: { send }, clock, logger });
    },
  ],
];

test.each(WORKERS)(
  'while one of the %s is held during its call, the others are settled',
  async (name, table, closed, start) => {
    const { admin, openAnother } = databases[name];
    await admin.unsafe(`truncate ${table}`);
    await consume(
      name,
      Array.from({ length: 20 }, () => received(created(uuidv7()))),
    );
    const count = async (condition: string): Promise<number> =>
      (await admin.unsafe(`select count(*)::int as n from ${table} where ${condition}`))[0]?.['n'];
    const all = await count('true');

    const progress = new EventEmitter();
    const [locked, released] = [once(progress, 'locked'), once(progress, 'released')];
    let holding: Promise<void> | undefined;
    // The first call finds that somebody has got hold of a row that is claimed.
    const worker = start(withShortLockTimeout[name].db, async () => {
      holding ??= openAnother().db.transaction(async (tx) => {
        await tx.execute(`select id from ${table} where attempts > 0 order by id limit 1 for update`);
        progress.emit('locked');
        await released;
      });
      await locked;
    });
    try {
      await eventually(async () => (await count(closed)) === all - 1 || undefined);
      progress.emit('released');
      await holding;
      await eventually(async () => (await count(closed)) === all || undefined);
    } finally {
      progress.emit('released');
      await worker.close();
    }
  },
);
