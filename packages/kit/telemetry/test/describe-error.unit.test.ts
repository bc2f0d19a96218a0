import { Writable } from 'node:stream';
import { inspect } from 'node:util';
import { expect, test } from '@jest/globals';
import { DrizzleQueryError } from 'drizzle-orm';
import { describe as describeDeadLetter } from '../../consumer/dead-letters.ts';
import { Problem, toProblem } from '../../http/problem.ts';
import { StatementError, withoutParameters } from '../../postgres/guard-statements.ts';
import { describeError, framesOf, messageOf } from '../describe-error.ts';
import { createLogger } from '../logger.ts';

const MARKERS = [
  'ada-lovelace-17',
  'Grüße 😀 an Ada',
  'two\n    at lines (file:///x.js:1:2)',
  'with "quotes" and: colons',
  '[{"customer_id":"marker-customer","note":"marker-note"}]',
  'x'.repeat(100_000),
];

/** As the driver makes it: the parameters where `console.log` does not show them, but others find them. */
function driverError(marker: string, said: Record<string, unknown>): Error {
  const { message = 'said', ...fields } = said;
  const error = Object.assign(new Error(String(message)), { name: 'PostgresError', ...fields });
  return Object.defineProperties(error, {
    query: { value: `insert into t (a) values ('${marker}')` },
    parameters: { value: [marker] },
    args: { value: [marker, [marker]] },
  });
}

const SHAPES: [string, (marker: string) => unknown][] = [
  ['detail', (m) => driverError(m, { code: '23505', detail: `Key (id)=(${m}) already exists.` })],
  ['failing row', (m) => driverError(m, { code: '23502', detail: `Failing row contains (${m}).` })],
  [
    'where',
    (m) => driverError(m, { code: '22P02', where: `JSON data, line 1: ${m}`, hint: m, internal_query: m }),
  ],
  [
    'quoted value',
    (m) => driverError(m, { code: '22P02', message: `invalid input syntax for type uuid: "${m}"` }),
  ],
  [
    'quoted value in French',
    (m) => driverError(m, { code: '22P02', message: `syntaxe invalide : « ${m} »` }),
  ],
  ['part of a value', (m) => driverError(m, { code: '22P02', message: `invalid: "${m.slice(3)}"` })],
  ['raised by a function', (m) => driverError(m, { code: 'P0001', message: `customer ${m} is blocked` })],
  [
    'Drizzle’s',
    (m) =>
      new DrizzleQueryError('insert into t (a) values ($1)', [m, [m]], driverError(m, { code: '23505' })),
  ],
  ['Drizzle’s without a cause', (m) => new DrizzleQueryError('select $1', [m])],
  [
    'a cause of a cause',
    (m) => new Error('outer', { cause: new Error('inner', { cause: new DrizzleQueryError('q', [m]) }) }),
  ],
  [
    'several',
    (m) =>
      new AggregateError([new DrizzleQueryError('q', [m]), driverError(m, { code: '40001', detail: m })]),
  ],
  [
    'a parameter that the driver cannot send',
    (m) =>
      Object.defineProperties(new TypeError(`Received ${m}`), {
        query: { value: 'q' },
        parameters: { value: [m] },
      }),
  ],
  ['a problem', (m) => new Problem(500, 'x', 'y', { cause: new DrizzleQueryError('q', [m]) })],
];

function* words(marker: string): Generator<string> {
  yield marker.slice(0, 1_000);
  for (const word of marker.match(/[\p{L}\p{N}-]{5,1000}/gu) ?? []) yield word.slice(0, 1_000);
}

test.each(SHAPES)('nothing that a statement was given is shown: %s', async (_what, make) => {
  for (const marker of MARKERS) {
    const error = make(marker);
    const lines: string[] = [];
    const logger = createLogger(
      'test',
      'info',
      new Writable({
        write(chunk, _encoding, done) {
          lines.push(String(chunk));
          done();
        },
      }),
    );
    logger.error({ err: error }, 'with a message');
    logger.error({ err: error });
    logger.error(error as Error);
    logger.error({ reason: error, nested: [{ error }] }, 'under another name');
    logger.error('interpolated %s %o', error as Error, error as Error);
    logger.child({ orderId: 'x' }).warn({ err: error }, 'of a child');
    const clean = withoutParameters(error);
    const problem = toProblem(error);
    const shown = [
      ...lines,
      messageOf(error),
      JSON.stringify(describeError(error)),
      JSON.stringify(describeDeadLetter(error)),
      JSON.stringify({ ...problem, message: problem.message, cause: undefined }),
      clean instanceof StatementError ? inspect(clean, { depth: 9, showHidden: true }) + clean.stack : '',
    ].join('\n');
    for (const word of words(marker)) expect(shown.includes(word)).toBe(false);
    for (const line of lines) expect(line.length).toBeLessThan(20_000);
    expect(lines).toHaveLength(5);
    for (const line of lines) expect(JSON.parse(line)).toMatchObject({ name: 'test' });
  }
});

test('what helps is shown: code, names, where it was thrown, what caused it', () => {
  const failed = driverError('x', {
    code: '23505',
    message: 'duplicate key value violates unique constraint "orders_pkey"',
    constraint_name: 'orders_pkey',
    table_name: 'orders',
  });
  expect(describeError(new Error('cannot save', { cause: failed }))).toMatchObject({
    type: 'Error',
    message: 'cannot save',
    stack: expect.stringMatching(/^ {4}at .*describe-error/),
    cause: {
      type: 'PostgresError',
      code: '23505',
      message: 'duplicate key value violates unique constraint "orders_pkey"',
      constraint_name: 'orders_pkey',
    },
  });
  expect(messageOf(new DrizzleQueryError('q', [], failed))).toContain('orders_pkey');
  const invalid = driverError('x', { code: '22P02', message: 'invalid input syntax for type uuid: "x"' });
  expect(messageOf(invalid)).toBe('invalid input syntax for type uuid …');
});

test.each<[string, unknown, string]>([
  ['no error', 'text', 'text'],
  ['nothing', undefined, 'undefined'],
  ['an error without a message', Object.assign(new Error(), { code: 'ECONNREFUSED' }), 'ECONNREFUSED'],
  ['several lines', new Error('one\n  two'), 'one two'],
  ['an address with a password', new Error('at http://user:pass@host:1/x'), 'at http://[secret]@host:1/x'],
])('the message of %s', (_what, error, message) => {
  expect(messageOf(error)).toBe(message);
});

test('an error that is its own cause comes to an end', () => {
  const error = new Error('round');
  error.cause = error;
  expect(JSON.stringify(describeError(error)).length).toBeLessThan(20_000);
  expect(framesOf({ stack: 'Error: x\n    at secret', message: 'other' })).toBeUndefined();
});
