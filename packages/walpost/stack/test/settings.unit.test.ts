import { expect, test } from '@jest/globals';
import system from '../../../../walpost.config.ts';
import { withPasswords } from '../env-file.ts';
import { requiredSecrets } from '../secrets.ts';
import { completeSettings, portOf, portsOf, settingsFor, withoutSecrets } from '../settings.ts';

const passwords = Object.fromEntries(requiredSecrets(system).map((name) => [name, 'x']));
const complete = (changes = {}) => completeSettings(system, { ...passwords, ...changes });

test('ports come from the one variable that holds each', () => {
  const settings = complete({
    KAFKA_BROKERS: 'localhost:19092',
    SCHEMA_REGISTRY_URL: 'http://127.0.0.1:18081/apis/ccompat/v7',
    CONNECT_URL: 'http://localhost:18083',
  });
  expect(portOf({ system, settings }, 'KAFKA_BROKERS')).toBe(19092);
  expect(portOf({ system, settings }, 'SCHEMA_REGISTRY_URL')).toBe(18081);
  expect(portOf({ system, settings }, 'CONNECT_URL')).toBe(18083);
  expect(portsOf({ system, settings }).map(({ port }) => port)).toEqual([
    5432, 19092, 9093, 18081, 8082, 18083, 1025, 1080, 3000, 3001, 3002, 3003, 3100, 3101,
  ]);
});

test.each([
  [{ ORDER_PORT: '3001' }, 'Port 3001 is given twice, by ORDER_PORT and PAYMENT_PORT'],
  [{ POSTGRES_PORT: '54 32' }, 'POSTGRES_PORT=54 32 is not a port'],
  [{ POSTGRES_PORT: '70000' }, 'POSTGRES_PORT=70000 is not a port'],
  [{ POSTGRES_HOST: 'db.example' }, 'POSTGRES_HOST names the host db.example'],
  [{ KAFKA_BROKERS: 'a:1,b:2' }, 'KAFKA_BROKERS=a:1,b:2 cannot be run here'],
  [{ KAFKA_BROKERS: 'kafka:9092' }, 'KAFKA_BROKERS names the host kafka'],
  [{ CONNECT_URL: 'localhost:8083' }, 'CONNECT_URL is not an URL like'],
  [
    { CONNECT_URL: 'http://user:s3cret@localhost:8083' },
    'CONNECT_URL has a user or a password, which no server',
  ],
  [{ SCHEMA_REGISTRY_URL: 'http://registry:8081' }, 'SCHEMA_REGISTRY_URL names the host registry'],
])('settings %j end in one clear line', (changes, message) => {
  expect(() => portsOf({ system, settings: complete(changes) })).toThrow(message);
});

test('passwords that are missing or empty are named together', () => {
  expect(() => complete({ CDC_PASSWORD: '', ORDERS_PASSWORD: undefined })).toThrow(
    'ORDERS_PASSWORD, CDC_PASSWORD not set',
  );
});

test('a process gets the secrets that it needs and no other', () => {
  const env = settingsFor(system, 'order', complete());
  expect(Object.keys(env).filter((name) => name.endsWith('_PASSWORD'))).toEqual(['ORDERS_PASSWORD']);
  expect(env['LOG_LEVEL']).toBe('info');
  expect(settingsFor(system, 'watcher', { ...complete(), CONSOLE_TOKEN: 'x' })).not.toHaveProperty(
    'CONSOLE_TOKEN',
  );
});

test('an .env gets a password or token of its own for every empty one, and nothing else is touched', () => {
  let count = 0;
  const text = withPasswords(
    '# A_PASSWORD=\nA_PASSWORD=\nB_PASSWORD=set\nC_PASSWORD=\nD_TOKEN=\nPORT=\n',
    () => `p${++count}`,
  );
  expect(text).toBe('# A_PASSWORD=\nA_PASSWORD=p1\nB_PASSWORD=set\nC_PASSWORD=p2\nD_TOKEN=p3\nPORT=\n');
  const [first, second] = withPasswords('A_PASSWORD=\nB_PASSWORD=\n').match(/(?<==).+$/gm) ?? [];
  expect(first).toMatch(/^[\w-]{20,}$/);
  expect(second).not.toBe(first);
});

test('where a database is, every program may know; its password only whoever may have it', () => {
  const url = 'postgres://orders_app:s3cret@db.example/orders';
  const seenBy = (program: string) => settingsFor(system, program, { ORDER_DATABASE_URL: url });
  for (const program of ['order', 'migrate-order', 'walpost'])
    expect(seenBy(program)).toEqual({ ORDER_DATABASE_URL: url });
  for (const program of ['payment', 'console', 'connectors'])
    expect(seenBy(program)).toEqual({ ORDER_DATABASE_URL: 'postgres://db.example/orders' });
  expect(withoutSecrets(system, { ORDER_DATABASE_URL: url })).toEqual({});
});
