import { expect, test } from '@jest/globals';
import { UsageError } from '../../../cli-error.ts';
import { parseTarget } from '../reset-group.ts';

test.each([
  ['earliest', { to: 'earliest' }],
  ['latest', { to: 'latest' }],
  ['offset 0', { to: 'offset', offset: 0n }],
  ['offset 9007199254740993', { to: 'offset', offset: 9007199254740993n }],
  ['time 2026-01-31T12:00:00Z', { to: 'time', time: Date.UTC(2026, 0, 31, 12) }],
])('--to %s', (text, target) => {
  expect(parseTarget(text.split(' '))).toEqual(target);
});

test.each([
  'earliest now',
  'newest',
  'offset',
  'offset -1',
  'offset 1.5',
  'offset 1 2',
  'time yesterday',
  'time 5',
  'time 2026-01-31',
  'time 2026-01-31T12:00:00',
  'time 2026-02-30T12:00:00Z',
  'time 2026-13-01T12:00:00Z',
])('--to %s is refused with what is allowed', (text) => {
  expect(() => parseTarget(text.split(' '))).toThrow(UsageError);
  expect(() => parseTarget(text.split(' '))).toThrow('earliest, latest, offset N, time');
});
