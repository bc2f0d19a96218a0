import { expect, test } from '@jest/globals';
import { UsageError } from '../cli-error.js';
import { readConfig } from '../config.js';
import { formatTable } from '../output.js';

test('unset and empty variables have defaults', () => {
  expect(readConfig({ KAFKA_BROKERS: ' ', CONNECT_URL: '' })).toEqual({
    kafkaBrokers: ['localhost:9092'],
    kafkaReplicationFactor: 1,
    schemaRegistryUrl: 'http://localhost:8081/apis/ccompat/v7',
    connectUrl: 'http://localhost:8083',
  });
  expect(readConfig({ KAFKA_BROKERS: 'a:1, b:2', CONNECT_URL: 'http://c/' })).toMatchObject({
    kafkaBrokers: ['a:1', 'b:2'],
    connectUrl: 'http://c',
  });
});

test.each([
  ['KAFKA_BROKERS', 'localhost'],
  ['KAFKA_BROKERS', 'a:1,,b:2'],
  ['KAFKA_REPLICATION_FACTOR', '0'],
  ['SCHEMA_REGISTRY_URL', 'localhost:8081'],
  ['CONNECT_URL', 'ftp://x'],
])('%s=%s is refused by name', (name, value) => {
  expect(() => readConfig({ [name]: value })).toThrow(UsageError);
  expect(() => readConfig({ [name]: value })).toThrow(`${name}: "`);
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
