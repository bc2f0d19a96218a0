import type { DomainEvent } from '@walpost/kit/contract/contract';
import { currencyDigits } from './currency.ts';

export type OrderEvent = DomainEvent<'OrderCreated' | 'OrderConfirmed' | 'OrderCancelled'>;
export type EmailKind = 'order-received' | 'order-confirmed' | 'order-cancelled';

export interface Email {
  kind: EmailKind;
  recipient: string;
  subject: string;
  body: string;
}

/**
 * Writes the e-mail that notifies a customer of an order event.
 *
 * @throws {RangeError} the event's currency is no currency code
 */
export function composeEmail(event: OrderEvent): Email {
  const { orderId, customerId, currency, totalAmount } = event.data;
  const recipient = recipientOf(customerId);
  const total = formatAmount(totalAmount, currency);
  const write = (kind: EmailKind, subject: string, ...paragraphs: string[]): Email => ({
    kind,
    recipient,
    subject,
    body: `Hello ${customerId},\n\n${paragraphs.join('\n\n')}\n\nYour order number: ${orderId}\n`,
  });
  switch (event.type) {
    case 'OrderCreated': {
      const lines = event.data.items.map(
        ({ sku, quantity, unitPrice }) => `  ${quantity} x ${sku} at ${formatAmount(unitPrice, currency)}`,
      );
      return write(
        'order-received',
        'We have received your order',
        'thank you for your order:',
        [...lines, `  Total: ${total}`].join('\n'),
        'We are checking payment and stock, and will write again in a moment.',
      );
    }
    case 'OrderConfirmed':
      return write(
        'order-confirmed',
        'Your order is confirmed',
        `your order of ${total} is paid, and everything is set aside for you.`,
      );
    case 'OrderCancelled':
      return write(
        'order-cancelled',
        'Your order is cancelled',
        `your order of ${total} is cancelled: ${event.data.reason}.`,
        'If you were charged, the amount is given back to you.',
      );
  }
}

/** A plain address, and nothing that a mail server could read as two. */
const ADDRESS = /^[\w.+-]+@[\w.-]+$/;

/** A customer id that is an address, or a made-up address: there is no customer service to ask. */
export function recipientOf(customerId: string): string {
  return ADDRESS.test(customerId) ? customerId : `${customerId.replace(/[^\w.+-]/g, '_')}@example.com`;
}

/** Formats an amount in minor units with as many digits as its currency has by ISO 4217. */
export function formatAmount(minorUnits: number, currency: string): string {
  const digits = currencyDigits(currency);
  // As decimal text: a division would round large amounts.
  const text = String(minorUnits).padStart(digits + 1, '0');
  const decimal = digits === 0 ? text : `${text.slice(0, -digits)}.${text.slice(-digits)}`;
  return formatOf(currency, digits).format(decimal as `${number}`);
}

/** Kept, because making one takes longer than writing the whole e-mail. */
const formats = new Map<string, Intl.NumberFormat>();

function formatOf(currency: string, digits: number): Intl.NumberFormat {
  const known = formats.get(currency);
  if (known) return known;
  // Both bounds: the digits that Intl has for the currency must not come in.
  const format = new Intl.NumberFormat('en', {
    style: 'currency',
    currency,
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  formats.set(currency, format);
  return format;
}
