import { expect, test } from '@jest/globals';
import { composeEmail, formatAmount, recipientOf } from '../email.ts';

const order = { orderId: 'o1', customerId: 'alice', currency: 'EUR', totalAmount: 2599 };

test('a new order is answered with its items and total', () => {
  const items = [
    { sku: 'BOOK-1', quantity: 2, unitPrice: 1250 },
    { sku: 'PEN-1', quantity: 1, unitPrice: 99 },
  ];
  const email = composeEmail({ type: 'OrderCreated', data: { ...order, items, createdAt: 0 } });
  expect(email).toEqual({
    kind: 'order-received',
    recipient: 'alice@example.com',
    subject: 'We have received your order',
    body: [
      'Hello alice,',
      '',
      'thank you for your order:',
      '',
      '  2 x BOOK-1 at €12.50',
      '  1 x PEN-1 at €0.99',
      '  Total: €25.99',
      '',
      'We are checking payment and stock, and will write again in a moment.',
      '',
      'Your order number: o1',
      '',
    ].join('\n'),
  });
});

test('a confirmed and a cancelled order are distinguished, the latter with its reason', () => {
  const confirmed = composeEmail({ type: 'OrderConfirmed', data: { ...order, confirmedAt: 0 } });
  expect(confirmed).toMatchObject({ kind: 'order-confirmed', subject: 'Your order is confirmed' });
  expect(confirmed.body).toContain('your order of €25.99 is paid');
  const cancelled = composeEmail({
    type: 'OrderCancelled',
    data: { ...order, reason: 'not enough stock', cancelledAt: 0 },
  });
  expect(cancelled).toMatchObject({ kind: 'order-cancelled', subject: 'Your order is cancelled' });
  expect(cancelled.body).toContain('is cancelled: not enough stock.');
});

test.each([
  [0, 'EUR', '€0.00'],
  [5, 'EUR', '€0.05'],
  [123456, 'USD', '$1,234.56'],
  [1500, 'JPY', '¥1,500'],
  [1234, 'KWD', 'KWD 1.234'],
  // Where Intl has fewer digits than ISO 4217.
  [125000, 'HUF', 'HUF 1,250.00'],
  [125000, 'IDR', 'IDR 1,250.00'],
  [125000, 'COP', 'COP 1,250.00'],
  [125000, 'IQD', 'IQD 125.000'],
  [125000, 'ALL', 'ALL 1,250.00'],
  [125000, 'LAK', 'LAK 1,250.00'],
  [125000, 'MGA', 'MGA 1,250.00'],
  [125000, 'MRU', 'MRU 1,250.00'],
  [125000, 'UYW', 'UYW 12.5000'],
  [125000, 'CLF', 'CLF 12.5000'],
  [125000, 'ISK', 'ISK 125,000'],
  // Orders may have been placed before their currency was withdrawn.
  [125000, 'HRK', 'HRK 1,250.00'],
  [Number.MAX_SAFE_INTEGER - 1, 'EUR', '€90,071,992,547,409.90'],
])('%d %s is written %s', (amount, currency, text) => {
  expect(formatAmount(amount, currency).replace('\u00a0', ' ')).toBe(text);
});

test.each([
  ['alice', 'alice@example.com'],
  ['alice@example.org', 'alice@example.org'],
  ['a@b.c, victim@example.org', 'a_b.c__victim_example.org@example.com'],
  ['eve\r\nBcc: all@example.org', 'eve__Bcc__all_example.org@example.com'],
  ['Jane Doe', 'Jane_Doe@example.com'],
])('the e-mail for %j goes to %s', (customerId, recipient) => {
  expect(recipientOf(customerId)).toBe(recipient);
});
