import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { logRepeats } from '../log-repeats.js';

let lines: { fields: object; message: string }[];
const log = { error: (fields: object, message: string) => void lines.push({ fields, message }) };

beforeEach(() => {
  lines = [];
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

test('a failure of a hundred requests is written once, and then counted', () => {
  const tell = logRepeats(10_000);
  const err = new Error('the statement failed');
  for (let request = 0; request < 100; request++)
    tell(log, 'a', { err, trace_id: `${request}` }, 'not answered');
  tell(log, 'b', { err: new Error('another') }, 'another');
  expect(lines).toEqual([
    { fields: { err, trace_id: '0' }, message: 'not answered' },
    { fields: { err: new Error('another') }, message: 'another' },
  ]);
  jest.advanceTimersByTime(10_000);
  expect(lines.slice(2)).toEqual([{ fields: { count: 99 }, message: '99 more within 10 s: not answered' }]);
  tell(log, 'a', { err }, 'not answered');
  expect(lines).toHaveLength(4);
});

test('a Postgres that stalls for 30 s at 100 orders/s is worth a few lines', () => {
  const tell = logRepeats(10_000);
  for (let request = 0; request < 3_000; request++) {
    tell(log, 'timeout', { err: new Error('x') }, 'The answer took too long.');
    jest.advanceTimersByTime(10);
  }
  jest.advanceTimersByTime(10_000);
  expect(lines.length).toBeLessThan(10);
});

test('kinds without end take no memory without end', () => {
  const tell = logRepeats(10_000);
  for (let kind = 0; kind < 5_000; kind++) tell(log, `${kind}`, { err: new Error('x') }, `${kind}`);
  expect(lines.length).toBeLessThan(600);
  jest.advanceTimersByTime(10_000);
  expect(lines.at(-1)?.message).toMatch(/^\d+ more within 10 s/);
});
