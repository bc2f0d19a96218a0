import { expect, test } from '@jest/globals';
import { Command, InvalidArgumentError } from 'commander';
import { rangeOptions } from '../cli/outbox/audit-range.ts';
import { instant, seconds, setOption, wholeNumber } from '../options.ts';

test.each([
  ['2026-01-31T12:00:00Z', Date.UTC(2026, 0, 31, 12)],
  ['2026-01-31T12:00Z', Date.UTC(2026, 0, 31, 12)],
  ['2026-01-31T12:00:00.123456789Z', Date.UTC(2026, 0, 31, 12, 0, 0, 123)],
  ['2026-01-31T00:30:00+01:00', Date.UTC(2026, 0, 30, 23, 30)],
  ['2026-01-31T23:30:00-11:30', Date.UTC(2026, 1, 1, 11)],
  ['2024-02-29T00:00:00Z', Date.UTC(2024, 1, 29)],
  ['2024-02-29T23:59:59+14:00', Date.UTC(2024, 1, 29, 9, 59, 59)],
  ['1970-01-01T00:00:00Z', 0],
])('%s is a moment', (text, time) => {
  expect(instant(text).getTime()).toBe(time);
});

test.each([
  '5',
  '2026',
  '2026-01-31',
  '2026-01-31T12:00:00',
  '2026-01-31 12:00:00Z',
  '2026-01-31T12Z',
  '2026-01-31T12:00:00z',
  '2026-01-31T12:00:00+1',
  '2026-01-31T12:00:00+0100',
  '2026-01-31T12:00:00+24:00',
  '2026-01-31T12:00:00+01:60',
  '2026-02-30T12:00:00Z',
  '2026-02-30T00:30:00+01:00',
  '2025-02-29T12:00:00Z',
  '2026-04-31T12:00:00Z',
  '2026-13-01T12:00:00Z',
  '2026-00-10T12:00:00Z',
  '2026-01-00T12:00:00Z',
  '2026-01-31T24:00:00Z',
  '2026-01-31T12:60:00Z',
  '2026-01-31T12:00:60Z',
  '1969-12-31T23:59:59Z',
  '26-01-31T12:00:00Z',
  '31.01.2026 12:00',
  '1769860800000',
  'now',
  'yesterday',
  '',
  ' 2026-01-31T12:00:00Z',
  '2026-01-31T12:00:00Z ',
])('"%s" is no moment', (text) => {
  expect(() => instant(text)).toThrow(InvalidArgumentError);
  expect(() => instant(text)).toThrow('Give a date, a time and a zone');
});

test.each([
  [seconds(), '0', 0],
  [seconds(), '0.5', 0.5],
  [seconds(1), '86400', 86_400],
  [wholeNumber(1), '1', 1],
  [wholeNumber(0, 3), '3', 3],
])('a number: %p', (parse, text, value) => {
  expect(parse(text)).toBe(value);
});

test.each([
  [seconds(), '-1'],
  [seconds(), '86401'],
  [seconds(), '1e3'],
  [seconds(), '5s'],
  [seconds(), ''],
  [seconds(), 'NaN'],
  [seconds(), 'Infinity'],
  [seconds(1), '0'],
  [wholeNumber(1), '0'],
  [wholeNumber(1), '1.5'],
  [wholeNumber(1), '0x10'],
  [wholeNumber(1), '9007199254740993'],
  [wholeNumber(0, 3), '4'],
])('no number: %p', (parse, text) => {
  expect(() => parse(text)).toThrow(InvalidArgumentError);
});

test.each([
  ['--since', '5'],
  ['--since', '2026-02-30T00:00:00Z'],
  ['--until', '2026-01-31'],
  ['--last', '0'],
  ['--last', '99999999999'],
  ['--timeout', '99999999'],
  ['--timeout', '0'],
  ['--wait', '1h'],
])('%s %s is refused by the commands that take a range', (option, value) => {
  const command = rangeOptions(new Command('any'))
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  expect(() => command.parse([option, value], { from: 'user' })).toThrow(
    `argument '${value}' is invalid. Give`,
  );
});

const setOf = (...args: string[]) =>
  new Command()
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
    .addOption(setOption())
    .parse(args, { from: 'user' })
    .opts()['set'];

test('settings of a connector are taken one by one, the last of a name counts, and a value may be anything', () => {
  expect(setOf()).toEqual({});
  expect(setOf('--set', 'a.b=1', '--set', 'c==', '--set', 'd=', '--set', 'a.b=2')).toEqual({
    'a.b': '2',
    c: '=',
    d: '',
  });
});

test.each(['a', '=1', 'a b=1', ''])('"%s" is no setting with a value', (text) => {
  expect(() => setOf('--set', text)).toThrow('Give a setting and its value, such as poll.interval.ms=50.');
});
