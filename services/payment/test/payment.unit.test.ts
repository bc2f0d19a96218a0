import { expect, test } from '@jest/globals';
import { decide, type Payment, PaymentError, type PaymentInput, type PaymentStatus } from '../payment.ts';
import { createSimulatedGateway } from '../simulated-gateway.ts';

const now = new Date('2026-01-02T03:04:05Z');
const lease = new Date('2026-01-02T03:05:00Z');
const inputs: Record<string, PaymentInput> = {
  cancel: { type: 'order-cancelled' },
  authorized: { type: 'authorized' },
  declined: { type: 'declined', reason: 'no money' },
  refunded: { type: 'refunded' },
};

/** For each state and input: the next state and its event, or that the gateway contradicts itself. */
const table: Record<PaymentStatus, Record<keyof typeof inputs, string>> = {
  REQUESTED: {
    cancel: 'DECLINED PaymentDeclined',
    authorized: 'contradiction',
    declined: 'contradiction',
    refunded: 'contradiction',
  },
  AUTHORIZING: {
    cancel: 'CANCELLING',
    authorized: 'AUTHORIZED PaymentAuthorized',
    declined: 'DECLINED PaymentDeclined',
    refunded: 'contradiction',
  },
  CANCELLING: {
    cancel: 'CANCELLING',
    authorized: 'REFUNDING PaymentAuthorized',
    declined: 'DECLINED PaymentDeclined',
    refunded: 'contradiction',
  },
  AUTHORIZED: {
    cancel: 'REFUNDING',
    authorized: 'AUTHORIZED',
    declined: 'contradiction',
    refunded: 'contradiction',
  },
  REFUNDING: {
    cancel: 'REFUNDING',
    authorized: 'REFUNDING',
    declined: 'contradiction',
    refunded: 'REFUNDED PaymentRefunded',
  },
  REFUNDED: {
    cancel: 'REFUNDED',
    authorized: 'REFUNDED',
    declined: 'contradiction',
    refunded: 'REFUNDED',
  },
  DECLINED: {
    cancel: 'DECLINED',
    authorized: 'contradiction',
    declined: 'DECLINED',
    refunded: 'contradiction',
  },
};

const AT_REST = ['AUTHORIZED', 'REFUNDED', 'DECLINED'];

function payment(status: PaymentStatus): Payment {
  return {
    id: 'p1',
    orderId: 'o1',
    amount: 1250,
    currency: 'EUR',
    status,
    reason: null,
    version: 3,
    nextAttemptAt: AT_REST.includes(status) ? null : lease,
  };
}

const cases = Object.entries(table).flatMap(([status, row]) =>
  Object.entries(row).map(([input, outcome]) => [status as PaymentStatus, input, outcome] as const),
);

test.each(cases)('%s + %s → %s', (status, name, outcome) => {
  const input = inputs[name] as PaymentInput;
  const before = payment(status);
  if (outcome === 'contradiction') {
    expect(() => decide(before, input, now)).toThrow(PaymentError);
    return;
  }
  const { payment: after, event } = decide(before, input, now);
  expect([after.status, ...(event ? [event.type] : [])].join(' ')).toBe(outcome);
  expect(after.version).toBe(event ? 4 : 3);
  // A final payment is never due, any other one always is.
  expect(after.nextAttemptAt === null).toBe(AT_REST.includes(after.status));
  if (event)
    expect(event.data).toMatchObject({ orderId: 'o1', paymentId: 'p1', amount: 1250, currency: 'EUR' });
});

test('a refund that a cancel asks for is due at once', () => {
  expect(decide(payment('AUTHORIZED'), { type: 'order-cancelled' }, now).payment.nextAttemptAt).toEqual(now);
  expect(decide(payment('CANCELLING'), { type: 'authorized' }, now).payment.nextAttemptAt).toEqual(now);
});

test('a payment cancelled before any call says why it was declined', () => {
  const { event } = decide(payment('REQUESTED'), { type: 'order-cancelled' }, now);
  expect(event?.data).toMatchObject({ reason: 'order cancelled', declinedAt: now.getTime() });
});

test('the simulated gateway declines above the limit and for named customers', async () => {
  const gateway = createSimulatedGateway({ limit: 1000, declinedCustomers: ['mallory'], latency: 0 });
  const signal = new AbortController().signal;
  const ask = (customerId: string, amount: number) =>
    gateway.authorize({ idempotencyKey: 'p1', customerId, amount, currency: 'EUR' }, signal);
  expect(await ask('alice', 1000)).toEqual({ authorized: true });
  expect(await ask('alice', 1001)).toEqual({
    authorized: false,
    reason: 'the amount is above the limit of 1000',
  });
  expect(await ask('mallory', 1)).toEqual({ authorized: false, reason: 'the customer is declined' });
});
