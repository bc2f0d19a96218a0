import { expect, test } from '@jest/globals';
import { growthOf } from '../growth.ts';
import type { Sample } from '../watch.ts';

function samples(count: number, memoryAt: (index: number) => number): Sample[] {
  return Array.from({ length: count }, (_, index) => ({
    at: index * 10_000,
    memory: { payment: memoryAt(index) },
    stored: index % 2 === 0 ? { log: 5, outbox: index, inbox: 2 * index } : undefined,
  }));
}

test('growth is measured from the second to the last tenth, with the most in between, and without what was not seen', () => {
  const growth = growthOf(samples(100, (index) => (index === 50 ? 900 : index < 10 ? 500 : 100)));
  expect(growth).toEqual([
    { what: 'memory of payment', first: 100, last: 100, most: 900 },
    { what: 'log kept by a slot', first: 5, last: 5, most: 5 },
    { what: 'outboxes', first: 14, last: 94, most: 98 },
    { what: 'inboxes', first: 28, last: 188, most: 196 },
  ]);
});

test('what grows is seen to grow', () => {
  const [memory] = growthOf(samples(100, (index) => index));
  expect(memory).toEqual({ what: 'memory of payment', first: 15, last: 95, most: 99 });
});
