import { expect, test } from '@jest/globals';
import { ConfigError } from '../../errors.ts';
import { parseHostPort } from '../host-port.ts';
import { kafkaAccess } from '../kafka-access.ts';

const brokersOf = (list: string) =>
  kafkaAccess({ KAFKA_BROKERS: list, KAFKA_SECURITY_PROTOCOL: 'PLAINTEXT' }).brokers;

test.each([
  ['localhost:9092', { host: 'localhost', port: 9092 }],
  ['kafka-1.example.com:1', { host: 'kafka-1.example.com', port: 1 }],
  ['127.0.0.1:65535', { host: '127.0.0.1', port: 65_535 }],
  ['[::1]:9092', { host: '::1', port: 9092 }],
  ['[fd00:0:0:0:0:0:0:2]:9092', { host: 'fd00:0:0:0:0:0:0:2', port: 9092 }],
])('%s', (text, address) => {
  expect(parseHostPort(text)).toEqual(address);
});

test.each([
  ['a:1', ['a:1']],
  [' a:1 , b:2 ', ['a:1', 'b:2']],
  ['[::1]:9092,b:2', ['[::1]:9092', 'b:2']],
])('KAFKA_BROKERS=%s', (list, brokers) => {
  expect(brokersOf(list)).toEqual(brokers);
});

test.each([
  ['localhost', '"localhost" is not host:port: its port is missing'],
  ['localhost:', '"localhost:" is not host:port: its port is missing'],
  ['[::1]', '"[::1]" is not host:port: its port is missing'],
  ['a:1,b', '"b" is not host:port: its port is missing'],
  ['a:1,,b:2', '"a:1,,b:2" has an empty part'],
  ['a:1,', '"a:1," has an empty part'],
  [',', '"," has an empty part'],
  ['a:1 b:2', '"a:1 b:2" is not host:port: there is a space in it'],
  ['a :1', '"a :1" is not host:port: there is a space in it'],
  ['kafka://a:9092', '"kafka://a:9092" is not host:port: leave out "kafka://"'],
  ['SASL_SSL://a:9092', 'is not host:port'],
  ['PLAINTEXT://a:9092', '"PLAINTEXT://a:9092" is not host:port: leave out "PLAINTEXT://"'],
  ['::1:9092', '"::1:9092" is not host:port: put the IPv6 address in brackets'],
  ['::1', '"::1" is not host:port: put the IPv6 address in brackets'],
  ['[::1:9092', '"[::1:9092" is not host:port'],
  ['[localhost]:9092', '"[localhost]:9092" is not host:port'],
  ['a:0', '"a:0" is not host:port: a port is 1 to 65535'],
  ['a:65536', '"a:65536" is not host:port: a port is 1 to 65535'],
  ['a:9092/', '"a:9092/" is not host:port'],
  ['a:-1', '"a:-1" is not host:port'],
  ['a:1:2', '"a:1:2" is not host:port'],
  ['a:1;b:2', '"a:1;b:2" is not host:port'],
  [':9092', '":9092" is not host:port'],
])('KAFKA_BROKERS=%s is refused in one line', (list, why) => {
  expect(() => brokersOf(list)).toThrow(ConfigError);
  expect(() => brokersOf(list)).toThrow(why);
  expect(() => brokersOf(list)).toThrow(/^Configuration: KAFKA_BROKERS: .*$/);
});
