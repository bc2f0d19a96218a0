// Generated from the .avsc files by `walpost generate`. Never edit this file.
import { defineContract } from '@walpost/kit/contract/contract';

/** At least one item is not in stock; nothing was reserved. */
export interface StockRejected {
  /** The order; also the record key and the `ce_subject` header. */
  orderId: string;
  /** The first article that was missing. */
  sku: string;
  /** Why it could not be reserved. */
  reason: string;
  /** When it was rejected, in milliseconds since the epoch. */
  rejectedAt: number;
}

/** A quantity of one article. */
export interface StockItem {
  /** Stock keeping unit. */
  sku: string;
  /** Number of pieces, at least 1. */
  quantity: number;
}

/** A reservation was undone because its order was cancelled. */
export interface StockReleased {
  /** The order; also the record key and the `ce_subject` header. */
  orderId: string;
  /** What is back in stock, one entry an article. */
  items: StockItem[];
  /** When it was released, in milliseconds since the epoch. */
  releasedAt: number;
}

/** Every item of the order is set aside. */
export interface StockReserved {
  /** The order; also the record key and the `ce_subject` header. */
  orderId: string;
  /** What is reserved, one entry an article. */
  items: StockItem[];
  /** When it was reserved, in milliseconds since the epoch. */
  reservedAt: number;
}

/** The order is off: what was already done for it is to be undone. */
export interface OrderCancelled {
  /** The order; also the record key and the `ce_subject` header. */
  orderId: string;
  /** The customer who placed the order. */
  customerId: string;
  /** ISO 4217 code, e.g. EUR. */
  currency: string;
  /** Sum over all items, in minor units of the currency (cents). */
  totalAmount: number;
  /** Why, in words fit for the customer. */
  reason: string;
  /** When the order was cancelled, in milliseconds since the epoch. */
  cancelledAt: number;
}

/** Payment and stock both said yes: the order is final. */
export interface OrderConfirmed {
  /** The order; also the record key and the `ce_subject` header. */
  orderId: string;
  /** The customer who placed the order. */
  customerId: string;
  /** ISO 4217 code, e.g. EUR. */
  currency: string;
  /** Sum over all items, in minor units of the currency (cents). */
  totalAmount: number;
  /** When the order was confirmed, in milliseconds since the epoch. */
  confirmedAt: number;
}

/** One line of an order. */
export interface OrderItem {
  /** Stock keeping unit. */
  sku: string;
  /** Number of pieces, at least 1. */
  quantity: number;
  /** Price of one piece, in minor units of the order's currency. */
  unitPrice: number;
}

/** An order was accepted and waits for payment and stock. */
export interface OrderCreated {
  /** The order; also the record key and the `ce_subject` header. */
  orderId: string;
  /** The customer who placed the order. */
  customerId: string;
  /** ISO 4217 code, e.g. EUR. */
  currency: string;
  /** The lines of the order, at least one. */
  items: OrderItem[];
  /** Sum over all items, in minor units of the currency (cents). */
  totalAmount: number;
  /** When the order was accepted, in milliseconds since the epoch. */
  createdAt: number;
}

/** The order's amount is reserved on the customer's means of payment. */
export interface PaymentAuthorized {
  /** The order; also the record key and the `ce_subject` header. */
  orderId: string;
  /** The payment; one for each order. */
  paymentId: string;
  /** The amount, in minor units of the currency (cents). */
  amount: number;
  /** ISO 4217 code, e.g. EUR. */
  currency: string;
  /** When it was authorized, in milliseconds since the epoch. */
  authorizedAt: number;
}

/** The payment was refused; the order cannot be confirmed. */
export interface PaymentDeclined {
  /** The order; also the record key and the `ce_subject` header. */
  orderId: string;
  /** The payment; one for each order. */
  paymentId: string;
  /** The amount, in minor units of the currency (cents). */
  amount: number;
  /** ISO 4217 code, e.g. EUR. */
  currency: string;
  /** Why it was refused. */
  reason: string;
  /** When it was declined, in milliseconds since the epoch. */
  declinedAt: number;
}

/** An authorized payment was given back because its order was cancelled. */
export interface PaymentRefunded {
  /** The order; also the record key and the `ce_subject` header. */
  orderId: string;
  /** The payment; one for each order. */
  paymentId: string;
  /** The amount, in minor units of the currency (cents). */
  amount: number;
  /** ISO 4217 code, e.g. EUR. */
  currency: string;
  /** When it was refunded, in milliseconds since the epoch. */
  refundedAt: number;
}

declare module '@walpost/kit/contract/contract' {
  interface Register {
    data: {
      StockRejected: StockRejected;
      StockReleased: StockReleased;
      StockReserved: StockReserved;
      OrderCancelled: OrderCancelled;
      OrderConfirmed: OrderConfirmed;
      OrderCreated: OrderCreated;
      PaymentAuthorized: PaymentAuthorized;
      PaymentDeclined: PaymentDeclined;
      PaymentRefunded: PaymentRefunded;
    };
    topics: {
      'inventory-events': 'StockRejected' | 'StockReleased' | 'StockReserved';
      'order-events': 'OrderCancelled' | 'OrderConfirmed' | 'OrderCreated';
      'payment-events': 'PaymentAuthorized' | 'PaymentDeclined' | 'PaymentRefunded';
    };
  }
}

/** Every event with its topic and schema. */
export const contract = defineContract([
  { topic: 'inventory-events', name: 'StockRejected', fullName: 'walpost.inventory.StockRejected',
    schema: {"type":"record","name":"StockRejected","namespace":"walpost.inventory","doc":"At least one item is not in stock; nothing was reserved.","fields":[{"name":"orderId","doc":"The order; also the record key and the `ce_subject` header.","type":{"type":"string","logicalType":"uuid"}},{"name":"sku","doc":"The first article that was missing.","type":"string"},{"name":"reason","doc":"Why it could not be reserved.","type":"string"},{"name":"rejectedAt","doc":"When it was rejected, in milliseconds since the epoch.","type":{"type":"long","logicalType":"timestamp-millis"}}]} },
  { topic: 'inventory-events', name: 'StockReleased', fullName: 'walpost.inventory.StockReleased',
    schema: {"type":"record","name":"StockReleased","namespace":"walpost.inventory","doc":"A reservation was undone because its order was cancelled.","fields":[{"name":"orderId","doc":"The order; also the record key and the `ce_subject` header.","type":{"type":"string","logicalType":"uuid"}},{"name":"items","doc":"What is back in stock, one entry an article.","type":{"type":"array","items":{"type":"record","name":"StockItem","doc":"A quantity of one article.","fields":[{"name":"sku","doc":"Stock keeping unit.","type":"string"},{"name":"quantity","doc":"Number of pieces, at least 1.","type":"int"}]}}},{"name":"releasedAt","doc":"When it was released, in milliseconds since the epoch.","type":{"type":"long","logicalType":"timestamp-millis"}}]} },
  { topic: 'inventory-events', name: 'StockReserved', fullName: 'walpost.inventory.StockReserved',
    schema: {"type":"record","name":"StockReserved","namespace":"walpost.inventory","doc":"Every item of the order is set aside.","fields":[{"name":"orderId","doc":"The order; also the record key and the `ce_subject` header.","type":{"type":"string","logicalType":"uuid"}},{"name":"items","doc":"What is reserved, one entry an article.","type":{"type":"array","items":{"type":"record","name":"StockItem","doc":"A quantity of one article.","fields":[{"name":"sku","doc":"Stock keeping unit.","type":"string"},{"name":"quantity","doc":"Number of pieces, at least 1.","type":"int"}]}}},{"name":"reservedAt","doc":"When it was reserved, in milliseconds since the epoch.","type":{"type":"long","logicalType":"timestamp-millis"}}]} },
  { topic: 'order-events', name: 'OrderCancelled', fullName: 'walpost.orders.OrderCancelled',
    schema: {"type":"record","name":"OrderCancelled","namespace":"walpost.orders","doc":"The order is off: what was already done for it is to be undone.","fields":[{"name":"orderId","doc":"The order; also the record key and the `ce_subject` header.","type":{"type":"string","logicalType":"uuid"}},{"name":"customerId","doc":"The customer who placed the order.","type":"string"},{"name":"currency","doc":"ISO 4217 code, e.g. EUR.","type":"string"},{"name":"totalAmount","doc":"Sum over all items, in minor units of the currency (cents).","type":"long"},{"name":"reason","doc":"Why, in words fit for the customer.","type":"string"},{"name":"cancelledAt","doc":"When the order was cancelled, in milliseconds since the epoch.","type":{"type":"long","logicalType":"timestamp-millis"}}]} },
  { topic: 'order-events', name: 'OrderConfirmed', fullName: 'walpost.orders.OrderConfirmed',
    schema: {"type":"record","name":"OrderConfirmed","namespace":"walpost.orders","doc":"Payment and stock both said yes: the order is final.","fields":[{"name":"orderId","doc":"The order; also the record key and the `ce_subject` header.","type":{"type":"string","logicalType":"uuid"}},{"name":"customerId","doc":"The customer who placed the order.","type":"string"},{"name":"currency","doc":"ISO 4217 code, e.g. EUR.","type":"string"},{"name":"totalAmount","doc":"Sum over all items, in minor units of the currency (cents).","type":"long"},{"name":"confirmedAt","doc":"When the order was confirmed, in milliseconds since the epoch.","type":{"type":"long","logicalType":"timestamp-millis"}}]} },
  { topic: 'order-events', name: 'OrderCreated', fullName: 'walpost.orders.OrderCreated',
    schema: {"type":"record","name":"OrderCreated","namespace":"walpost.orders","doc":"An order was accepted and waits for payment and stock.","fields":[{"name":"orderId","doc":"The order; also the record key and the `ce_subject` header.","type":{"type":"string","logicalType":"uuid"}},{"name":"customerId","doc":"The customer who placed the order.","type":"string"},{"name":"currency","doc":"ISO 4217 code, e.g. EUR.","type":"string"},{"name":"items","doc":"The lines of the order, at least one.","type":{"type":"array","items":{"type":"record","name":"OrderItem","doc":"One line of an order.","fields":[{"name":"sku","doc":"Stock keeping unit.","type":"string"},{"name":"quantity","doc":"Number of pieces, at least 1.","type":"int"},{"name":"unitPrice","doc":"Price of one piece, in minor units of the order's currency.","type":"long"}]}}},{"name":"totalAmount","doc":"Sum over all items, in minor units of the currency (cents).","type":"long"},{"name":"createdAt","doc":"When the order was accepted, in milliseconds since the epoch.","type":{"type":"long","logicalType":"timestamp-millis"}}]} },
  { topic: 'payment-events', name: 'PaymentAuthorized', fullName: 'walpost.payments.PaymentAuthorized',
    schema: {"type":"record","name":"PaymentAuthorized","namespace":"walpost.payments","doc":"The order's amount is reserved on the customer's means of payment.","fields":[{"name":"orderId","doc":"The order; also the record key and the `ce_subject` header.","type":{"type":"string","logicalType":"uuid"}},{"name":"paymentId","doc":"The payment; one for each order.","type":{"type":"string","logicalType":"uuid"}},{"name":"amount","doc":"The amount, in minor units of the currency (cents).","type":"long"},{"name":"currency","doc":"ISO 4217 code, e.g. EUR.","type":"string"},{"name":"authorizedAt","doc":"When it was authorized, in milliseconds since the epoch.","type":{"type":"long","logicalType":"timestamp-millis"}}]} },
  { topic: 'payment-events', name: 'PaymentDeclined', fullName: 'walpost.payments.PaymentDeclined',
    schema: {"type":"record","name":"PaymentDeclined","namespace":"walpost.payments","doc":"The payment was refused; the order cannot be confirmed.","fields":[{"name":"orderId","doc":"The order; also the record key and the `ce_subject` header.","type":{"type":"string","logicalType":"uuid"}},{"name":"paymentId","doc":"The payment; one for each order.","type":{"type":"string","logicalType":"uuid"}},{"name":"amount","doc":"The amount, in minor units of the currency (cents).","type":"long"},{"name":"currency","doc":"ISO 4217 code, e.g. EUR.","type":"string"},{"name":"reason","doc":"Why it was refused.","type":"string"},{"name":"declinedAt","doc":"When it was declined, in milliseconds since the epoch.","type":{"type":"long","logicalType":"timestamp-millis"}}]} },
  { topic: 'payment-events', name: 'PaymentRefunded', fullName: 'walpost.payments.PaymentRefunded',
    schema: {"type":"record","name":"PaymentRefunded","namespace":"walpost.payments","doc":"An authorized payment was given back because its order was cancelled.","fields":[{"name":"orderId","doc":"The order; also the record key and the `ce_subject` header.","type":{"type":"string","logicalType":"uuid"}},{"name":"paymentId","doc":"The payment; one for each order.","type":{"type":"string","logicalType":"uuid"}},{"name":"amount","doc":"The amount, in minor units of the currency (cents).","type":"long"},{"name":"currency","doc":"ISO 4217 code, e.g. EUR.","type":"string"},{"name":"refundedAt","doc":"When it was refunded, in milliseconds since the epoch.","type":{"type":"long","logicalType":"timestamp-millis"}}]} },
]);
