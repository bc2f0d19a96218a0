import { expect, test } from '@jest/globals';
import { eventType, eventTypeByFullName, eventTypes } from '../contract.js';
import { topics } from '../topics.js';

test('every event has its topic declared, and a subject of topic and record name', () => {
  expect(eventTypes.map((event) => event.subject)).toEqual([
    'inventory-events-walpost.inventory.StockRejected',
    'inventory-events-walpost.inventory.StockReleased',
    'inventory-events-walpost.inventory.StockReserved',
    'order-events-walpost.orders.OrderCancelled',
    'order-events-walpost.orders.OrderConfirmed',
    'order-events-walpost.orders.OrderCreated',
    'payment-events-walpost.payments.PaymentAuthorized',
    'payment-events-walpost.payments.PaymentDeclined',
    'payment-events-walpost.payments.PaymentRefunded',
  ]);
  const declared = topics.map((topic) => topic.name);
  for (const event of eventTypes) expect(declared).toContain(event.topic);
});

test('an event is found by its name and by its full name', () => {
  expect(eventType('OrderCreated').fullName).toBe('walpost.orders.OrderCreated');
  expect(eventTypeByFullName('walpost.orders.OrderCreated')).toBe(eventType('OrderCreated'));
  expect(eventTypeByFullName('walpost.orders.Unheard')).toBeUndefined();
});
