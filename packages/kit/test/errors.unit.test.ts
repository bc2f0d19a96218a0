import { expect, test } from '@jest/globals';
import { DrizzleQueryError } from 'drizzle-orm';
import { classify, classifyAttempt, MAX_ATTEMPTS, type Verdict } from '../consumer/failure.ts';
import { MessageError } from '../consumer/receive.ts';
import { CodecError, RegistryError } from '../contract/errors.ts';
import { databaseFault, errorCode } from '../errors.ts';
import { SchemaIdUnknownError } from '../outbox/schema-ids.ts';
import { StatementError, TransactionEndedError } from '../postgres/guard-statements.ts';

const coded = (code: string, fields: object = {}) => Object.assign(new Error(code), { code, ...fields });
const postgres = (code: string, routine?: string) =>
  coded(code, { name: 'PostgresError', ...(routine && { routine }) });

/** (Nearly) all classes of Postgres's appendix A, and the codes that are not as their class is. */
const SQLSTATES: Record<Verdict, string> = {
  pause: `08000 08003 08006 08001 08004 08007 08P01 25006 26000 28000 28P01 3D000 3F000 40003 42501 42P01 42P05
    53000 53100 53200 53300 53400 57000 57P01 57P02 57P03 57P04 57P05 58000 58030 58P01 58P02 F0000 F0001 HV00N XX001 XX002`,
  rerun: '25P02 40000 40001 40P01 55006 55P03 55P04 72000',
  retry: '25P03 25P04 57014 XX000',
  'dead-letter': `03000 09000 0A000 0B000 0F000 0L000 0P000 0Z000 20000 21000 22000 22001 22003 22007 22012 22021 22P02 22P05
    23000 23502 23503 23505 23514 23P01 24000 25000 25001 25P01 27000 2B000 2D000 2F000 34000 38000 39000 3B000
    40002 42000 42601 42602 42622 42702 42703 42704 42723 42725 42803 42804 42809 42883 42939 42P02 42P07 42P10 42P18
    44000 54000 54001 54011 55000 55P02 HV000 P0000 P0001 P0002 P0004`,
};

const EVERY = Object.entries(SQLSTATES).flatMap(([verdict, codes]) =>
  codes.split(/\s+/).map((code): [string, Verdict] => [code, verdict as Verdict]),
);

test.each(EVERY)('SQLSTATE %s: %s', (code, verdict) => {
  for (const error of [
    postgres(code),
    new StatementError(postgres(code)),
    new DrizzleQueryError('select', [], postgres(code)),
    new Error('outer', { cause: new Error('inner', { cause: postgres(code) }) }),
  ]) {
    expect(classify(error)).toBe(verdict);
    expect(errorCode(error)).toBe(code);
  }
});

test('a plan for a table’s former shape is run again, another feature that is missing is not', () => {
  expect(classify(postgres('0A000', 'RevalidateCachedQuery'))).toBe('rerun');
  expect(classify(new StatementError(postgres('0A000', 'RevalidateCachedQuery')))).toBe('rerun');
  expect(classify(postgres('0A000', 'transformReturningList'))).toBe('dead-letter');
});

test.each(
  `EADDRINUSE EADDRNOTAVAIL EAI_AGAIN EAI_FAIL ECONNABORTED ECONNREFUSED ECONNRESET EHOSTDOWN EHOSTUNREACH EMFILE
  ENETDOWN ENETRESET ENETUNREACH ENFILE ENOBUFS ENOMEM ENOSPC ENOTCONN ENOTFOUND EPIPE EPROTO ETIMEDOUT ESERVFAIL
  CONNECTION_CLOSED CONNECTION_ENDED CONNECTION_DESTROYED CONNECT_TIMEOUT CERT_HAS_EXPIRED DEPTH_ZERO_SELF_SIGNED_CERT
  ERR_SSL_WRONG_VERSION_NUMBER ERR_TLS_CERT_ALTNAME_INVALID ERR_SOCKET_CLOSED SELF_SIGNED_CERT_IN_CHAIN
  ERROR_IN_CERT_NOT_AFTER_FIELD ERROR_IN_CRL_NEXT_UPDATE_FIELD OUT_OF_MEM
  UNABLE_TO_VERIFY_LEAF_SIGNATURE UND_ERR_BODY_TIMEOUT UND_ERR_CLOSED UND_ERR_CONNECT_TIMEOUT UND_ERR_HEADERS_TIMEOUT
  UND_ERR_SOCKET`.split(/\s+/),
)('%s: pause', (code) => {
  expect(classify(coded(code))).toBe('pause');
  expect(classify(new TypeError('fetch failed', { cause: coded(code) }))).toBe('pause');
  expect(classify(new AggregateError([coded(code), coded(code)]))).toBe('pause');
});

test.each<[string, unknown, Verdict]>([
  ['registry away', new CodecError('registry-unavailable', 'x'), 'pause'],
  ['registry away, as it says itself', new RegistryError('unavailable', 'x'), 'pause'],
  ['schema id not known yet', new SchemaIdUnknownError('OrderCreated'), 'pause'],
  ['the same, wrapped', new Error('x', { cause: new SchemaIdUnknownError('OrderCreated') }), 'pause'],
  ['a request that took too long', new DOMException('x', 'TimeoutError'), 'pause'],
  ['a transaction whose connection ended', new TransactionEndedError(true), 'pause'],
  ['a statement after its transaction', new TransactionEndedError(false), 'dead-letter'],
  ['gateway time-out', coded('GATEWAY_TIMEOUT', { retryable: true }), 'retry'],
  ['a call that fetch refuses', coded('UND_ERR_INVALID_ARG'), 'dead-letter'],
  ['bad magic byte', new CodecError('bad-magic-byte', 'x'), 'dead-letter'],
  ['cut bytes', new CodecError('truncated', 'x'), 'dead-letter'],
  ['unknown schema id', new CodecError('unknown-schema-id', 'x'), 'dead-letter'],
  ['unknown type', new MessageError('unhandled-type', 'x'), 'dead-letter'],
  ['a bug', new TypeError('x is not a function'), 'dead-letter'],
  ['a code that only looks like a SQLSTATE', coded('40001'), 'dead-letter'],
  ['something thrown that is no error', 'text', 'dead-letter'],
  ['nothing', undefined, 'dead-letter'],
])('%s', (_what, error, verdict) => {
  expect(classify(error)).toBe(verdict);
});

test.each(['EPERM', 'EACCES', 'EAFNOSUPPORT', 'EINVAL'])('%s of a connection that is made: wait', (code) => {
  for (const syscall of ['connect', 'getaddrinfo']) {
    expect(classify(coded(code, { syscall }))).toBe('pause');
    expect(classify(new StatementError(coded(code, { syscall, query: 'select' })))).toBe('pause');
  }
  expect(classify(coded(code, { syscall: 'open' }))).toBe('dead-letter');
});

test('bad luck has a bound; what is no fault of the event has none', () => {
  expect(classifyAttempt(postgres('57014'), MAX_ATTEMPTS - 1)).toBe('retry');
  expect(classifyAttempt(postgres('57014'), MAX_ATTEMPTS)).toBe('dead-letter');
  expect(classifyAttempt(postgres('57P01'), 1_000_000)).toBe('pause');
  expect(classifyAttempt(postgres('40P01'), 1_000_000)).toBe('rerun');
});

test('the code is that of the error, or of what caused it', () => {
  expect(errorCode(new CodecError('truncated', 'x'))).toBe('truncated');
  expect(errorCode(new TypeError('x'))).toBe('TypeError');
});

test('what has nothing to do with a connection is no fault of one', () => {
  expect(databaseFault(new TypeError('x'))).toBeUndefined();
  expect(databaseFault('text')).toBeUndefined();
});
