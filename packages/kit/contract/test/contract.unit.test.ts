import { expect, test } from '@jest/globals';
import { contract } from '../../../../schemas/contract.generated.ts';
import { defineContract } from '../contract.ts';

test('an event has a subject of topic and record name, and is found by its name and by its full name', () => {
  const created = contract.eventType('OrderCreated');
  expect(created.subject).toBe('order-events-walpost.orders.OrderCreated');
  expect(contract.byFullName('walpost.orders.OrderCreated')).toBe(created);
  expect(contract.byFullName('walpost.orders.Unheard')).toBeUndefined();
});

test('a contract has a topic for its events, whatever their domain', () => {
  const event = (topic: string, name: string) => {
    const schema = { type: 'record' as const, name, namespace: 'parcels', fields: [] };
    return { topic, name, fullName: `parcels.${name}`, schema };
  };
  const parcels = defineContract([
    event('shipments', 'Booked'),
    event('shipments', 'Delivered'),
    event('scans', 'Scanned'),
  ]);
  expect(parcels.topics.map(({ name }) => name)).toEqual(['shipments', 'scans']);
  expect(parcels.eventTypes.map(({ subject }) => subject)).toEqual([
    'shipments-parcels.Booked',
    'shipments-parcels.Delivered',
    'scans-parcels.Scanned',
  ]);
  expect(() => parcels.eventType('OrderCreated')).toThrow('OrderCreated is not an event of the contract');
});
