import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  answerOrder,
  cancelOrder,
  expireOrder,
  type Order,
  OrderError,
  type OrderEvent,
  placeOrder,
  type Reply,
} from '../order.ts';

const NOW = new Date('2026-01-02T03:04:05.678Z');
const { order: PENDING } = placeOrder(
  { customerId: 'ada', currency: 'EUR', items: [{ sku: 'BOOK-1', quantity: 2, unitPrice: 1250 }] },
  'id-1',
  NOW,
);

const money = { orderId: 'id-1', paymentId: 'p', amount: 2500, currency: 'EUR' };
const replies: Record<Reply['type'], Reply> = {
  PaymentAuthorized: { type: 'PaymentAuthorized', data: { ...money, authorizedAt: 1 } },
  PaymentDeclined: { type: 'PaymentDeclined', data: { ...money, reason: 'over the limit', declinedAt: 1 } },
  StockReserved: { type: 'StockReserved', data: { orderId: 'id-1', items: [], reservedAt: 1 } },
  StockRejected: {
    type: 'StockRejected',
    data: { orderId: 'id-1', sku: 'BOOK-1', reason: 'not enough stock', rejectedAt: 1 },
  },
};
const names = Object.keys(replies) as Reply['type'][];

function answer(order: Order, ...types: Reply['type'][]): { order: Order; events: OrderEvent['type'][] } {
  const events: OrderEvent['type'][] = [];
  let current = order;
  for (const type of types) {
    const step = answerOrder(current, replies[type], NOW);
    current = step.order;
    if (step.event) events.push(step.event.type);
  }
  return { order: current, events };
}

test.each<[Reply['type'][], Order['status'], OrderEvent['type'][]]>([
  [['PaymentAuthorized'], 'PENDING', []],
  [['StockReserved'], 'PENDING', []],
  [['PaymentAuthorized', 'StockReserved'], 'CONFIRMED', ['OrderConfirmed']],
  [['StockReserved', 'PaymentAuthorized'], 'CONFIRMED', ['OrderConfirmed']],
  [['PaymentDeclined'], 'CANCELLED', ['OrderCancelled']],
  [['StockRejected'], 'CANCELLED', ['OrderCancelled']],
  [['PaymentAuthorized', 'StockRejected'], 'CANCELLED', ['OrderCancelled']],
  [['StockReserved', 'PaymentDeclined'], 'CANCELLED', ['OrderCancelled']],
  [['PaymentDeclined', 'StockRejected'], 'CANCELLED', ['OrderCancelled']],
  [['PaymentDeclined', 'PaymentAuthorized', 'StockReserved'], 'CANCELLED', ['OrderCancelled']],
  [
    ['PaymentAuthorized', 'PaymentAuthorized', 'StockReserved', 'StockReserved'],
    'CONFIRMED',
    ['OrderConfirmed'],
  ],
])('%j makes it %s', (types, status, events) => {
  const result = answer(PENDING, ...types);
  expect([result.order.status, result.events]).toEqual([status, events]);
});

test('a cancelled order says why, in the customer’s words', () => {
  expect(answer(PENDING, 'PaymentDeclined').order.cancellationReason).toBe(
    'payment declined: over the limit',
  );
  expect(answer(PENDING, 'StockRejected').order.cancellationReason).toBe('BOOK-1: not enough stock');
});

test.each(names)('%s changes nothing about an order that has ended', (type) => {
  for (const ended of [
    answer(PENDING, 'PaymentAuthorized', 'StockReserved').order,
    cancelOrder(PENDING, 'cancelled by the customer', NOW).order,
  ]) {
    const { order, events } = answer(ended, type);
    expect(events).toEqual([]);
    expect([order.status, order.version, order.cancellationReason]).toEqual([
      ended.status,
      ended.version,
      ended.cancellationReason,
    ]);
  }
});

test('an overdue order names who did not answer', () => {
  expect(expireOrder(PENDING, NOW).order.cancellationReason).toBe(
    'no answer from payment and inventory in time',
  );
  const { order } = answer(PENDING, 'PaymentAuthorized');
  expect(expireOrder(order, NOW).order.cancellationReason).toBe('no answer from inventory in time');
});

test('whatever comes, in whatever order and however often: one end, reported once, with versions in a row', () => {
  const step = fc.constantFrom(...names, 'cancel' as const, 'expire' as const);
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      let order = PENDING;
      const versions = [1];
      const ends: string[] = [];
      for (const each of steps) {
        const before = order;
        let event: OrderEvent | undefined;
        if (each === 'cancel' || each === 'expire') {
          const act =
            each === 'cancel' ? () => cancelOrder(order, 'why', NOW) : () => expireOrder(order, NOW);
          if (order.status !== 'PENDING') {
            expect(act).toThrow(OrderError);
            continue;
          }
          ({ order, event } = act());
        } else {
          ({ order, event } = answerOrder(order, replies[each], NOW));
        }
        if (before.status !== 'PENDING') expect([order.status, event]).toEqual([before.status, undefined]);
        if (event) {
          versions.push(order.version);
          ends.push(event.type);
        }
      }
      expect(versions).toEqual(versions.map((_, index) => index + 1));
      expect(ends.length).toBe(order.status === 'PENDING' ? 0 : 1);
      if (order.status === 'CONFIRMED') {
        expect(steps).toEqual(expect.arrayContaining(['PaymentAuthorized', 'StockReserved']));
      }
      if (order.status === 'PENDING') expect(steps).not.toContain('cancel');
    }),
  );
});
