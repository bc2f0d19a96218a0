import type { EventData } from '../contract.ts';

const ORDER_ID = '0197a2b0-0000-7000-8000-00000000000a';

/** An order as the order service writes it. */
export const orderCreated: EventData['OrderCreated'] = {
  orderId: ORDER_ID,
  customerId: '0197a2b0-0000-7000-8000-00000000000b',
  currency: 'EUR',
  items: [
    { sku: 'TEA-1', quantity: 2, unitPrice: 450 },
    { sku: 'MUG-7', quantity: 1, unitPrice: 1200 },
  ],
  totalAmount: 2100,
  createdAt: 1_780_000_000_000,
};

export const stockRejected: EventData['StockRejected'] = {
  orderId: ORDER_ID,
  sku: 'MUG-7',
  reason: 'sold out',
  rejectedAt: 1_780_000_000_000,
};
