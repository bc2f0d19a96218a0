import { expect, test } from '@jest/globals';
import { cancelOrder, MAX_AMOUNT, OrderError, type OrderStatus, placeOrder } from '../order.ts';

const NOW = new Date('2026-01-02T03:04:05.678Z');
const request = {
  customerId: 'ada',
  currency: 'EUR',
  items: [
    { sku: 'BOOK-1', quantity: 2, unitPrice: 1250 },
    { sku: 'MUG-1', quantity: 1, unitPrice: 999 },
  ],
};

function codeOf(action: () => unknown): string | undefined {
  try {
    action();
  } catch (error) {
    return error instanceof OrderError ? error.code : String(error);
  }
  return undefined;
}

test('a new order is pending, adds up its items, and reports itself', () => {
  const { order, event } = placeOrder(request, 'id-1', NOW);
  expect(order).toEqual({
    ...request,
    id: 'id-1',
    status: 'PENDING',
    payment: 'PENDING',
    stock: 'PENDING',
    cancellationReason: null,
    totalAmount: 3499,
    version: 1,
    createdAt: NOW,
  });
  expect(event).toEqual({
    type: 'OrderCreated',
    data: { ...request, orderId: 'id-1', totalAmount: 3499, createdAt: NOW.getTime() },
  });
});

test.each(['XXX', 'XAU', 'ABC', 'eur', ''])('%j is no currency', (currency) => {
  expect(codeOf(() => placeOrder({ ...request, currency }, 'id', NOW))).toBe('unknown-currency');
});

test.each(['EUR', 'USD', 'JPY', 'XAF', 'XOF'])('%s is one', (currency) => {
  expect(placeOrder({ ...request, currency }, 'id', NOW).order.currency).toBe(currency);
});

test('the largest total is exact, and one more is refused', () => {
  const item = (unitPrice: number) => ({ sku: 'A', quantity: 1, unitPrice });
  const items = [item(MAX_AMOUNT - 1), item(1)];
  expect(placeOrder({ ...request, items }, 'id', NOW).order.totalAmount).toBe(MAX_AMOUNT);
  expect(codeOf(() => placeOrder({ ...request, items: [...items, item(1)] }, 'id', NOW))).toBe(
    'total-too-large',
  );
});

test('a pending order is cancelled with the next version', () => {
  const { order } = placeOrder(request, 'id-1', NOW);
  const cancelled = cancelOrder(order, 'too late', new Date(NOW.getTime() + 5));
  expect(cancelled.order).toEqual({
    ...order,
    status: 'CANCELLED',
    cancellationReason: 'too late',
    version: 2,
  });
  expect(cancelled.event).toEqual({
    type: 'OrderCancelled',
    data: {
      orderId: 'id-1',
      customerId: 'ada',
      currency: 'EUR',
      totalAmount: 3499,
      reason: 'too late',
      cancelledAt: NOW.getTime() + 5,
    },
  });
});

test.each<OrderStatus>(['CONFIRMED', 'CANCELLED'])('a %s order is not cancelled', (status) => {
  const order = { ...placeOrder(request, 'id', NOW).order, status };
  expect(codeOf(() => cancelOrder(order, 'why', NOW))).toBe('order-finished');
});
