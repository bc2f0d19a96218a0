import { expect, test } from '@jest/globals';
import { type Reading, rateOf } from '../rates.ts';

test('a rate needs two readings, looks back some seconds, and survives a counter that begins again', () => {
  const readings: Reading[] = [];
  expect(rateOf(readings, { at: 0, count: 100 })).toBeNull();
  expect(rateOf(readings, { at: 2_000, count: 110 })).toBe(5);
  expect(rateOf(readings, { at: 4_000, count: 110 })).toBe(2.5);
  for (let at = 6_000; at <= 20_000; at += 2_000) rateOf(readings, { at, count: 110 });
  expect(rateOf(readings, { at: 22_000, count: 110 })).toBe(0);
  expect(rateOf(readings, { at: 24_000, count: 3 })).toBeNull();
  expect(rateOf(readings, { at: 26_000, count: 5 })).toBe(1);
});
