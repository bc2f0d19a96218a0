import type { DomainEvent } from '@walpost/schemas/contract';

export interface OrderItem {
  sku: string;
  quantity: number;
  /** Minor units of the order's currency. */
  unitPrice: number;
}

/** What a customer asks for. */
export interface OrderRequest {
  customerId: string;
  currency: string;
  items: OrderItem[];
}

export type OrderStatus = 'PENDING' | 'CONFIRMED' | 'CANCELLED';

export interface Order extends OrderRequest {
  id: string;
  status: OrderStatus;
  /** Sum over the items, in minor units. */
  totalAmount: number;
  /** How many events the order has had; the next one is `version + 1`. */
  version: number;
  createdAt: Date;
}

/** A decision: the order as it is now, and the event that tells of it. */
export interface Decided {
  order: Order;
  event: DomainEvent<'OrderCreated' | 'OrderConfirmed' | 'OrderCancelled'>;
}

/** The order cannot be what is asked of it. */
export class OrderError extends Error {
  readonly code: 'unknown-currency' | 'total-too-large' | 'order-finished';
  /** Where in the request, when it is the request that is wrong. */
  readonly field: string | undefined;

  constructor(code: OrderError['code'], message: string, field?: string) {
    super(message);
    this.code = code;
    this.field = field;
  }
}

/** Avro's long, as JavaScript reads it, ends here. */
export const MAX_AMOUNT = Number.MAX_SAFE_INTEGER - 1;

// ISO 4217 has codes that are no money: metals, funds, testing.
const CURRENCIES = new Set(
  Intl.supportedValuesOf('currency').filter((code) => !/^X(?!AF|CD|OF|PF)/.test(code)),
);

/**
 * Takes an order in.
 *
 * @throws {OrderError} `unknown-currency`, `total-too-large`
 */
export function placeOrder(request: OrderRequest, id: string, now: Date): Decided {
  const { customerId, currency, items } = request;
  if (!CURRENCIES.has(currency)) {
    throw new OrderError('unknown-currency', `${currency} is no ISO 4217 currency`, 'body/currency');
  }
  const total = items.reduce((sum, item) => sum + BigInt(item.unitPrice) * BigInt(item.quantity), 0n);
  if (total > MAX_AMOUNT) {
    throw new OrderError('total-too-large', `the items add up to more than ${MAX_AMOUNT}`, 'body/items');
  }
  const totalAmount = Number(total);
  return {
    order: { id, customerId, currency, items, totalAmount, status: 'PENDING', version: 1, createdAt: now },
    event: {
      type: 'OrderCreated',
      data: { orderId: id, customerId, currency, items, totalAmount, createdAt: now.getTime() },
    },
  };
}

/**
 * Ends an order before it is confirmed.
 *
 * @param reason in words fit for the customer
 * @throws {OrderError} `order-finished`
 */
export function cancelOrder(order: Order, reason: string, now: Date): Decided {
  if (order.status !== 'PENDING') {
    throw new OrderError('order-finished', `order ${order.id} is ${order.status} and cannot be cancelled`);
  }
  const { id, customerId, currency, totalAmount } = order;
  return {
    order: { ...order, status: 'CANCELLED', version: order.version + 1 },
    event: {
      type: 'OrderCancelled',
      data: { orderId: id, customerId, currency, totalAmount, reason, cancelledAt: now.getTime() },
    },
  };
}
