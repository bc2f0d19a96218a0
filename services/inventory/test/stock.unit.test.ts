import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Line, release, reserve, type Stock } from '../stock.ts';

const levels = (entries: Record<string, [number, number]>): Stock =>
  new Map(Object.entries(entries).map(([sku, [onHand, reserved]]) => [sku, { onHand, reserved }]));

test('an order gets all of its items', () => {
  const { stock, reservations } = reserve(levels({ A: [5, 0], B: [5, 1] }), [
    {
      orderId: 'o1',
      items: [
        { sku: 'A', quantity: 2 },
        { sku: 'B', quantity: 5 },
      ],
    },
  ]);
  expect(reservations).toMatchObject([{ orderId: 'o1', status: 'RESERVED' }]);
  expect(stock).toEqual(levels({ A: [3, 2], B: [0, 6] }));
});

test('or none of them, naming the first that is missing', () => {
  const before = levels({ A: [5, 0], B: [1, 0] });
  const { stock, reservations } = reserve(before, [
    {
      orderId: 'o1',
      items: [
        { sku: 'A', quantity: 2 },
        { sku: 'B', quantity: 2 },
        { sku: 'C', quantity: 1 },
      ],
    },
    { orderId: 'o2', items: [{ sku: 'C', quantity: 1 }] },
  ]);
  expect(reservations).toMatchObject([
    { status: 'REJECTED', missing: { sku: 'B', reason: 'not enough stock' } },
    { status: 'REJECTED', missing: { sku: 'C', reason: 'unknown sku' } },
  ]);
  expect(stock).toEqual(before);
});

test('the same sku on two lines counts as their sum', () => {
  const twice = [
    { sku: 'A', quantity: 2 },
    { sku: 'A', quantity: 2 },
  ];
  const { reservations } = reserve(levels({ A: [4, 0] }), [
    { orderId: 'o1', items: twice },
    { orderId: 'o2', items: twice },
  ]);
  expect(reservations).toMatchObject([
    { status: 'RESERVED', items: [{ sku: 'A', quantity: 4 }] },
    { status: 'REJECTED', missing: { sku: 'A', reason: 'not enough stock' } },
  ]);
});

test('orders are decided in their order: the first gets the last piece', () => {
  const one = (orderId: string) => ({ orderId, items: [{ sku: 'A', quantity: 1 }] });
  const { reservations } = reserve(levels({ A: [2, 0] }), [one('o1'), one('o2'), one('o3')]);
  expect(reservations.map(({ status }) => status)).toEqual(['RESERVED', 'RESERVED', 'REJECTED']);
});

test('more than was reserved cannot be released', () => {
  expect(() => release(levels({ A: [0, 1] }), [{ sku: 'A', quantity: 2 }])).toThrow('only 1 are reserved');
  expect(() => release(levels({}), [{ sku: 'A', quantity: 1 }])).toThrow('only 0 are reserved');
});

test('random orders and cancels: never below zero, on hand plus reserved constant, all back in the end', () => {
  const sku = fc.constantFrom('A', 'B', 'C', 'unknown');
  const items = fc.array(fc.record({ sku, quantity: fc.integer({ min: 1, max: 9 }) }), {
    minLength: 1,
    maxLength: 5,
  });
  const step = fc.oneof(
    fc.record({ type: fc.constant('orders' as const), orders: fc.array(items, { maxLength: 6 }) }),
    fc.record({ type: fc.constant('cancel' as const), which: fc.nat() }),
  );
  const initial = levels({ A: [20, 0], B: [7, 0], C: [0, 0] });

  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      let stock = initial;
      const open: Line[][] = [];
      for (const each of steps) {
        if (each.type === 'orders') {
          const result = reserve(
            stock,
            each.orders.map((lines, n) => ({ orderId: String(n), items: lines })),
          );
          stock = result.stock;
          for (const { status, items: lines } of result.reservations)
            if (status === 'RESERVED') open.push(lines);
        } else {
          stock = release(stock, open.splice(each.which % Math.max(1, open.length), 1).flat());
        }
        for (const [name, { onHand, reserved }] of stock) {
          expect(onHand).toBeGreaterThanOrEqual(0);
          expect(reserved).toBeGreaterThanOrEqual(0);
          expect(onHand + reserved).toBe(initial.get(name)?.onHand);
        }
      }
      expect(release(stock, open.flat())).toEqual(initial);
    }),
  );
});
