import { expect, test } from '@jest/globals';
import { CodecError } from '@walpost/schemas/errors';
import { DrizzleQueryError } from 'drizzle-orm';
import { errorCode, judge, judgeAttempt, MAX_ATTEMPTS, type Verdict } from '../failure.js';
import { MessageError } from '../receive.js';
import { SchemaIdUnknownError } from '../schema-ids.js';

const coded = (code: string, name = 'Error') => Object.assign(new Error(code), { code, name });
const postgres = (code: string) => new DrizzleQueryError('select', [], coded(code, 'PostgresError'));

test.each<[string, unknown, Verdict]>([
  ['database refuses connections', coded('ECONNREFUSED'), 'wait'],
  ['connection lost in the middle', new DrizzleQueryError('select', [], coded('CONNECTION_CLOSED')), 'wait'],
  ['database shuts down', postgres('57P01'), 'wait'],
  ['database starts up', postgres('57P03'), 'wait'],
  ['disk full', postgres('53100'), 'wait'],
  ['table not migrated yet', postgres('42P01'), 'wait'],
  ['wrong password', postgres('28P01'), 'wait'],
  ['registry away', new CodecError('registry-unavailable', 'x'), 'wait'],
  ['serialization failure', postgres('40001'), 'again'],
  ['deadlock', postgres('40P01'), 'again'],
  ['statement time-out', postgres('57014'), 'again'],
  ['gateway time-out', Object.assign(new Error('x'), { code: 'GATEWAY_TIMEOUT', retryable: true }), 'again'],
  ['schema id not known yet', new SchemaIdUnknownError('OrderCreated'), 'again'],
  ['bad magic byte', new CodecError('bad-magic-byte', 'x'), 'dead'],
  ['cut bytes', new CodecError('truncated', 'x'), 'dead'],
  ['unknown schema id', new CodecError('unknown-schema-id', 'x'), 'dead'],
  ['unknown type', new MessageError('unhandled-type', 'x'), 'dead'],
  ['violated constraint', postgres('23514'), 'dead'],
  ['value out of range', postgres('22003'), 'dead'],
  ['a bug', new TypeError('x is not a function'), 'dead'],
  ['something thrown that is no error', 'text', 'dead'],
])('%s', (_what, error, verdict) => {
  expect(judge(error)).toBe(verdict);
});

test('bad luck has a bound, a database that is away has none', () => {
  expect(judgeAttempt(postgres('40P01'), MAX_ATTEMPTS - 1)).toBe('again');
  expect(judgeAttempt(postgres('40P01'), MAX_ATTEMPTS)).toBe('dead');
  expect(judgeAttempt(postgres('57P01'), 1_000_000)).toBe('wait');
});

test('the code is that of the error, or of what caused it', () => {
  expect(errorCode(postgres('23514'))).toBe('23514');
  expect(errorCode(new CodecError('truncated', 'x'))).toBe('truncated');
  expect(errorCode(new TypeError('x'))).toBe('TypeError');
});
