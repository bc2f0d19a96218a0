import { expect, test } from '@jest/globals';
import system from '../../../walpost.config.ts';
import { UsageError } from '../cli-error.ts';
import { readConfig } from '../config.ts';
import { formatAge, formatTable, oneLine } from '../output.ts';

const project = { folder: '.', system };

test('unset and empty variables have defaults', () => {
  expect(readConfig(project, { KAFKA_BROKERS: ' ', CONNECT_URL: '' })).toEqual({
    folder: '.',
    system,
    kafka: { brokers: ['localhost:9092'] },
    kafkaReplicationFactor: 1,
    registry: { url: 'http://localhost:8081/apis/ccompat/v7' },
    connect: { url: 'http://localhost:8083' },
    postgres: { host: 'localhost', port: 5432, sslMode: 'disable' },
    servers: Object.fromEntries(
      system.services.map(({ name }) => [name, { host: 'localhost', port: 5432, sslMode: 'disable' }]),
    ),
    passwords: { order: undefined, payment: undefined, inventory: undefined, notification: undefined },
    outboxRetentionDays: 7,
    inboxRetentionDays: 14,
    addresses: {
      order: 'http://localhost:3000',
      payment: 'http://localhost:3001',
      inventory: 'http://localhost:3002',
      notification: 'http://localhost:3003',
      console: 'http://localhost:3100',
    },
  });
  expect(readConfig(project, { ORDER_PORT: '81', PAYMENT_URL: 'https://pay/' }).addresses).toMatchObject({
    order: 'http://localhost:81',
    payment: 'https://pay',
  });
  expect(
    readConfig(project, { PAYMENTS_PASSWORD: ' p ', ORDERS_PASSWORD: '', POSTGRES_PORT: '1' }),
  ).toMatchObject({
    postgres: { port: 1 },
    passwords: { payment: ' p ', order: undefined },
  });
  expect(readConfig(project, { KAFKA_BROKERS: 'a:1, b:2', CONNECT_URL: 'http://c/' })).toMatchObject({
    kafka: { brokers: ['a:1', 'b:2'] },
    connect: { url: 'http://c' },
  });
});

test('a protected system is reached with user, password and checked certificates', () => {
  const env = {
    KAFKA_SECURITY_PROTOCOL: 'SASL_SSL',
    KAFKA_USERNAME: 'operator',
    KAFKA_PASSWORD: 'k',
    CONNECT_USERNAME: 'operator',
    CONNECT_PASSWORD: 'c',
    POSTGRES_SSLMODE: 'verify-full',
  };
  expect(readConfig(project, env)).toMatchObject({
    kafka: { ssl: true, sasl: { mechanism: 'scram-sha-512', username: 'operator', password: 'k' } },
    connect: { credentials: { username: 'operator', password: 'c' } },
    postgres: { sslMode: 'verify-full' },
  });
  expect(() => readConfig(project, { ...env, KAFKA_PASSWORD: '' })).toThrow(UsageError);
  expect(() => readConfig(project, { ...env, KAFKA_PASSWORD: '' })).toThrow(
    'KAFKA_USERNAME and KAFKA_PASSWORD must',
  );
});

test.each([
  ['KAFKA_BROKERS', 'localhost'],
  ['KAFKA_BROKERS', 'a:1,,b:2'],
  ['KAFKA_REPLICATION_FACTOR', '0'],
  ['SCHEMA_REGISTRY_URL', 'localhost:8081'],
  ['CONNECT_URL', 'ftp://x'],
  ['POSTGRES_PORT', '65536'],
  ['POSTGRES_SSLMODE', 'prefer'],
  ['KAFKA_SECURITY_PROTOCOL', 'TLS'],
])('%s=%s is refused by name', (name, value) => {
  expect(() => readConfig(project, { [name]: value })).toThrow(UsageError);
  expect(() => readConfig(project, { [name]: value })).toThrow(`${name}: "`);
});

test('a table has a column as wide as its widest cell', () => {
  expect(
    formatTable(
      ['A', 'LONG'],
      [
        ['wide cell', null],
        [1, 2],
      ],
    ),
  ).toBe('A          LONG\nwide cell  -\n1          2');
});

test.each([
  [-3, '0 s'],
  [59.9, '59 s'],
  [60, '1 min'],
  [7_199, '1 h'],
  [200_000, '2 d'],
])('%d seconds are %s', (seconds, text) => {
  expect(formatAge(seconds)).toBe(text);
});

test('text from outside cannot act on the terminal', () => {
  expect(oneLine('a\u001b[2J\u202eb\nsecond', 80)).toBe('a\\u{1b}[2J\\u{202e}b');
  expect(oneLine('x'.repeat(20), 10)).toBe(`${'x'.repeat(9)}…`);
});
