import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { received } from 'walpost/testing/received';
import { contract } from '../../../../schemas/contract.generated.ts';
import { onOrderEvent as inventory } from '../../../../services/inventory/on-order-event.ts';
import { onOrderEvent as notification } from '../../../../services/notification/on-order-event.ts';
import { onReply } from '../../../../services/order/on-reply.ts';
import { createPlaceOrder } from '../../../../services/order/place-order.ts';
import { claimPayments } from '../../../../services/payment/claim-payments.ts';
import { onOrderEvent as payment } from '../../../../services/payment/on-order-event.ts';
import type { PaymentInput } from '../../../../services/payment/payment.ts';
import { recordPaymentOutcomes } from '../../../../services/payment/record-payment-outcomes.ts';
import { openTestDatabase, type TestDatabase, type TestService } from '../../../../tests/stack/database.ts';
import type { DomainEvent } from '../../contract/contract.ts';
import { createOutboxEncoder } from '../../outbox/outbox.ts';
import type { Handlers } from '../handle-batch.ts';
import { noAttempts, processBatch } from '../process-batch.ts';

const encode = createOutboxEncoder(contract, '/walpost/test', () => 1);
const clock = () => new Date();
const databases = new Map<TestService, TestDatabase>();
const of = (service: TestService) => databases.get(service) as TestDatabase;

beforeAll(async () => {
  for (const service of ['orders', 'payments', 'inventory', 'notifications'] as const)
    databases.set(service, await openTestDatabase(service));
});
afterAll(() => Promise.all([...databases.values()].map((database) => database.close())));

const items = [{ sku: 'BOOK-1', quantity: 2, unitPrice: 5 }];
const money = (orderId: string) => ({ orderId, customerId: 'ada', currency: 'EUR', totalAmount: 10 });
const created = (id: string, wanted = items): DomainEvent => ({
  type: 'OrderCreated',
  data: { ...money(id), items: wanted, createdAt: 1 },
});
const confirmed = (id: string): DomainEvent => ({
  type: 'OrderConfirmed',
  data: { ...money(id), confirmedAt: 1 },
});
const cancelled = (id: string): DomainEvent => ({
  type: 'OrderCancelled',
  data: { ...money(id), reason: 'so', cancelledAt: 1 },
});
const paid = (orderId: string) => ({ orderId, paymentId: uuidv7(), amount: 10, currency: 'EUR' });
const authorized = (id: string): DomainEvent => ({
  type: 'PaymentAuthorized',
  data: { ...paid(id), authorizedAt: 1 },
});
const declined = (id: string): DomainEvent => ({
  type: 'PaymentDeclined',
  data: { ...paid(id), reason: 'no', declinedAt: 1 },
});
const refunded = (id: string): DomainEvent => ({
  type: 'PaymentRefunded',
  data: { ...paid(id), refundedAt: 1 },
});
const reserved = (orderId: string): DomainEvent => ({
  type: 'StockReserved',
  data: { orderId, items: [{ sku: 'BOOK-1', quantity: 2 }], reservedAt: 1 },
});
const rejected = (orderId: string): DomainEvent => ({
  type: 'StockRejected',
  data: { orderId, sku: 'BOOK-1', reason: 'not enough stock', rejectedAt: 1 },
});
const released = (orderId: string): DomainEvent => ({
  type: 'StockReleased',
  data: { orderId, items: [{ sku: 'BOOK-1', quantity: 2 }], releasedAt: 1 },
});

/** What a service consumes, and an order for it to consume. */
const consumers: Record<TestService, { on: () => Handlers; order: () => Promise<string> }> = {
  orders: {
    on: () => onReply(encode, clock),
    order: async () => {
      const request = { customerId: 'ada', currency: 'EUR', items };
      const context = { idempotencyKey: undefined, traceparent: '00-1-1-01' };
      const result = await createPlaceOrder(of('orders').db, encode, clock)(request, context);
      return result.outcome === 'key-reused' ? '' : result.order.id;
    },
  },
  payments: {
    on: () => payment(encode, clock),
    order: async () => uuidv7(),
  },
  inventory: {
    on: () => inventory(encode, clock),
    order: async () => uuidv7(),
  },
  notifications: {
    on: () => notification(clock),
    order: async () => uuidv7(),
  },
};

/** What is between two events: what the gateway says. */
const gateway = (result: PaymentInput) => async () => {
  const { db } = of('payments');
  const claimed = await claimPayments(db, 100, 60_000, new Date());
  await recordPaymentOutcomes(
    db,
    encode,
    claimed.map((item) => ({ item, result })),
    new Date(),
  );
};

type Step = ((orderId: string) => DomainEvent) | (() => Promise<void>);
const tables: Record<TestService, string[]> = {
  orders: ['orders'],
  payments: ['payments'],
  inventory: ['stock', 'reservations'],
  notifications: ['emails'],
};

/** All that a service has written, but for what it remembers of events. */
async function written(service: TestService): Promise<unknown> {
  const { admin } = of(service);
  const outbox = service === 'notifications' ? [] : ['outbox'];
  const all = [...tables[service], ...outbox, 'dead_letters'].map(
    async (table) =>
      [table, [...(await admin.unsafe(`select t::text from ${table} as t order by 1`))]] as const,
  );
  return Object.fromEntries(await Promise.all(all));
}

/** Everything that takes an order's id is an event; the rest happens between events. */
const isEvent = (step: Step): step is (orderId: string) => DomainEvent => step.length === 1;

test.each<[TestService, string, Step[]]>([
  ['orders', 'a confirmed order', [authorized, reserved]],
  ['orders', 'one that was declined', [declined, reserved, released]],
  ['orders', 'one that was rejected', [rejected, authorized, refunded]],
  ['orders', 'one that both refused', [declined, rejected]],
  ['orders', 'one that is pending', [authorized]],
  ['payments', 'a payment that waits', [created]],
  ['payments', 'one that was authorized', [created, gateway({ type: 'authorized' }), confirmed]],
  ['payments', 'one that was declined', [created, gateway({ type: 'declined', reason: 'no' }), cancelled]],
  [
    'payments',
    'one that was refunded',
    [created, gateway({ type: 'authorized' }), cancelled, gateway({ type: 'refunded' })],
  ],
  ['payments', 'one that was cancelled before', [created, cancelled]],
  ['payments', 'a cancel without a payment', [cancelled]],
  ['inventory', 'a reservation', [created, confirmed]],
  ['inventory', 'one that was released', [created, cancelled]],
  [
    'inventory',
    'one that was rejected',
    [(id) => created(id, [{ sku: 'SOLD-OUT', quantity: 1, unitPrice: 1 }])],
  ],
  ['inventory', 'a cancel of nothing', [cancelled]],
  ['notifications', 'e-mails of a confirmed order', [created, confirmed]],
  ['notifications', 'e-mails of a cancelled order', [created, cancelled]],
])(
  '%s, %s: what comes again after the inbox has forgotten changes nothing',
  async (service, _what, steps) => {
    const { admin, db } = of(service);
    const { on, order } = consumers[service];
    const orderId = await order();
    const records: ReturnType<typeof received>[] = [];
    const deliver = async (record: ReturnType<typeof received>) => {
      const hold = await processBatch(db, on(), [record], noAttempts(), () => undefined);
      expect(hold).toBeUndefined();
    };
    for (const step of steps) {
      if (isEvent(step)) {
        const record = received(step(orderId), records.length + 1);
        records.push(record);
        await deliver(record);
      } else await step();
    }
    expect(records.length).toBeGreaterThan(0);
    const before = await written(service);
    expect(before).toMatchObject({ dead_letters: [] });
    // Each by itself, and all of them once more in their order.
    for (const again of [...records.map((record) => [record]), records]) {
      await admin`truncate inbox`;
      for (const record of again) await deliver(record);
      expect(await written(service)).toEqual(before);
    }
  },
);
