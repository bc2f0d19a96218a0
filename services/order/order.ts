import type { DomainEvent } from '@walpost/kit/contract/contract';
import { isCurrency } from './currency.ts';

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
/** What payment has answered so far. */
export type PaymentAnswer = 'PENDING' | 'AUTHORIZED' | 'DECLINED';
/** What inventory has answered so far. */
export type StockAnswer = 'PENDING' | 'RESERVED' | 'REJECTED';

export interface Order extends OrderRequest {
  id: string;
  status: OrderStatus;
  payment: PaymentAnswer;
  stock: StockAnswer;
  /** Why it was cancelled, in words fit for the customer. */
  cancellationReason: string | null;
  /** Sum over the items, in minor units. */
  totalAmount: number;
  /** How many events the order has had; the next one is `version + 1`. */
  version: number;
  createdAt: Date;
}

export type OrderEvent = DomainEvent<'OrderCreated' | 'OrderConfirmed' | 'OrderCancelled'>;

/** A decision: the order as it is now, and the event that reports it. */
export interface Decided {
  order: Order;
  event: OrderEvent;
}

/** What the other services answer to an order. */
export type Reply = DomainEvent<'PaymentAuthorized' | 'PaymentDeclined' | 'StockReserved' | 'StockRejected'>;

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

/**
 * Takes an order in.
 *
 * @throws {OrderError} `unknown-currency`, `total-too-large`
 */
export function placeOrder(request: OrderRequest, id: string, now: Date): Decided {
  const { customerId, currency, items } = request;
  if (!isCurrency(currency)) {
    throw new OrderError('unknown-currency', `${currency} is no ISO 4217 currency`, 'body/currency');
  }
  const total = items.reduce((sum, item) => sum + BigInt(item.unitPrice) * BigInt(item.quantity), 0n);
  if (total > MAX_AMOUNT) {
    throw new OrderError('total-too-large', `the items add up to more than ${MAX_AMOUNT}`, 'body/items');
  }
  const totalAmount = Number(total);
  const order: Order = {
    id,
    customerId,
    currency,
    items,
    totalAmount,
    status: 'PENDING',
    payment: 'PENDING',
    stock: 'PENDING',
    cancellationReason: null,
    version: 1,
    createdAt: now,
  };
  const data = { orderId: id, customerId, currency, items, totalAmount, createdAt: now.getTime() };
  return { order, event: { type: 'OrderCreated', data } };
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
  const { id: orderId, customerId, currency, totalAmount } = order;
  return {
    order: { ...order, status: 'CANCELLED', cancellationReason: reason, version: order.version + 1 },
    event: {
      type: 'OrderCancelled',
      data: { orderId, customerId, currency, totalAmount, reason, cancelledAt: now.getTime() },
    },
  };
}

/**
 * Takes an answer of payment or inventory in: an authorization and a reservation confirm a pending
 * order, a refusal cancels it. An order that has
 * ended stays as it ended; an answer that comes late, or again, is only noted.
 *
 * @returns the event is undefined when the answer decides nothing yet, or nothing any more
 */
export function answerOrder(
  before: Order,
  reply: Reply,
  now: Date,
): { order: Order; event: OrderEvent | undefined } {
  const order = noted(before, reply);
  if (order.status !== 'PENDING') return { order, event: undefined };
  switch (reply.type) {
    case 'PaymentDeclined':
      return cancelOrder(order, `payment declined: ${reply.data.reason}`, now);
    case 'StockRejected':
      return cancelOrder(order, `${reply.data.sku}: ${reply.data.reason}`, now);
    case 'PaymentAuthorized':
    case 'StockReserved': {
      if (order.payment !== 'AUTHORIZED' || order.stock !== 'RESERVED') return { order, event: undefined };
      const { id: orderId, customerId, currency, totalAmount } = order;
      return {
        order: { ...order, status: 'CONFIRMED', version: order.version + 1 },
        event: {
          type: 'OrderConfirmed',
          data: { orderId, customerId, currency, totalAmount, confirmedAt: now.getTime() },
        },
      };
    }
    default:
      return reply satisfies never;
  }
}

function noted(order: Order, reply: Reply): Order {
  switch (reply.type) {
    case 'PaymentAuthorized':
      return { ...order, payment: 'AUTHORIZED' };
    case 'PaymentDeclined':
      return { ...order, payment: 'DECLINED' };
    case 'StockReserved':
      return { ...order, stock: 'RESERVED' };
    case 'StockRejected':
      return { ...order, stock: 'REJECTED' };
    default:
      return reply satisfies never;
  }
}

/** Gives up on an order whose answers are overdue. @throws {OrderError} `order-finished` */
export function expireOrder(order: Order, now: Date): Decided {
  const silent = [order.payment === 'PENDING' && 'payment', order.stock === 'PENDING' && 'inventory'].filter(
    Boolean,
  );
  return cancelOrder(order, `no answer from ${silent.join(' and ')} in time`, now);
}
