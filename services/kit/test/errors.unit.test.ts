import { expect, test } from '@jest/globals';
import { databaseFault } from '../errors.js';

const coded = (code: string, name = 'Error') => Object.assign(new Error('x'), { code, name });

test.each([
  ['a refused connection', coded('ECONNREFUSED'), 'unavailable'],
  ['a connection lost in the middle', coded('CONNECTION_CLOSED'), 'unavailable'],
  ['a server that stops', coded('57P01', 'PostgresError'), 'unavailable'],
  ['a server that starts', coded('57P03', 'PostgresError'), 'unavailable'],
  ['too many connections', coded('53300', 'PostgresError'), 'unavailable'],
  ['a deadlock', coded('40P01', 'PostgresError'), 'contention'],
  ['a serialization failure', coded('40001', 'PostgresError'), 'contention'],
  ['a violated constraint', coded('23514', 'PostgresError'), 'other'],
  ['a wrapped one', new Error('query failed', { cause: coded('40P01', 'PostgresError') }), 'contention'],
  ['an error of our own', new TypeError('x'), undefined],
  ['no error at all', 'text', undefined],
])('%s', (_what, error, expected) => {
  expect(databaseFault(error)).toBe(expected);
});
