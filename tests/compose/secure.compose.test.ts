import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import kafkajs, { type Kafka } from 'kafkajs';
import postgres from 'postgres';
import { endOf, placeOrder, setting } from 'walpost/testing/support';
import { type ComposeStack, composeStack } from './compose-stack.ts';

let stack: ComposeStack;
let ca: string;
beforeAll(async () => {
  stack = await composeStack(['compose.yaml', 'compose/secure.yaml']);
  await stack.explaining(() => stack.compose('up', '--build', '--wait'));
  const folder = mkdtempSync(join(tmpdir(), 'walpost-ca-'));
  await stack.compose('cp', 'gateway:/certificates/public/root.crt', folder);
  ca = readFileSync(join(folder, 'root.crt'), 'utf8');
  rmSync(folder, { recursive: true });
}, 600_000);
afterAll(() => stack?.close());

const QUICK = { retry: { retries: 1, initialRetryTime: 50 }, logLevel: kafkajs.logLevel.NOTHING };

function kafkaAs(username: string, password: string, log: Partial<kafkajs.KafkaConfig> = {}): Kafka {
  const brokers = [`localhost:${setting(stack.env, 'KAFKA_PORT')}`];
  return new kafkajs.Kafka({
    brokers,
    ssl: { ca },
    sasl: { mechanism: 'scram-sha-512', username, password },
    ...QUICK,
    ...log,
  });
}
const payment = (log: Partial<kafkajs.KafkaConfig> = {}) =>
  kafkaAs('payment-service', setting(stack.env, 'PAYMENT_KAFKA_PASSWORD'), log);

/** Works with a client, and disconnects it. */
async function using<C extends { connect(): Promise<void>; disconnect(): Promise<void> }, T>(
  client: C,
  work: (client: C) => Promise<T>,
): Promise<T> {
  try {
    await client.connect();
    return await work(client);
  } finally {
    await client.disconnect();
  }
}

test('an order goes all the way', async () => {
  const { id } = await placeOrder(stack.env);
  expect((await endOf(stack.env, id)).status).toBe('CONFIRMED');
  const cancelled = await placeOrder(stack.env, {
    customerId: 'mallory',
    currency: 'EUR',
    items: [{ sku: 'BOOK-1', quantity: 1, unitPrice: 1 }],
  });
  expect((await endOf(stack.env, cancelled.id)).status).toBe('CANCELLED');
});

test('the operator’s tools are let in everywhere: doctor reads groups, offsets and open transactions', async () => {
  const said = await stack.compose('run', '--rm', 'walpost', 'doctor');
  expect(said).toMatch(/, 0 broken$/m);
  for (const what of ['group payment-service', 'topic order-events', 'outbox of order-service'])
    expect(said).toContain(what);
});

test('before a command of the operator nothing is made again but what it may know', async () => {
  const config = await stack.compose('--profile', 'cli', 'config', '--format', 'json');
  const { services } = JSON.parse(config) as { services: Record<string, { depends_on?: object }> };
  expect(Object.keys(services['walpost']?.depends_on ?? {})).toEqual(['secrets']);
});

test('Kafka refuses a wrong password, and whoever speaks plain text', async () => {
  await expect(
    using(kafkaAs('payment-service', 'wrong').admin(), (admin) => admin.listTopics()),
  ).rejects.toThrow(/authentication|credentials/i);
  const brokers = [`localhost:${setting(stack.env, 'KAFKA_PORT')}`];
  const plain = new kafkajs.Kafka({ brokers, connectionTimeout: 3000, ...QUICK });
  await expect(using(plain.admin(), (admin) => admin.listTopics())).rejects.toThrow();
});

test('a service sees its own topics only, writes none, and reads as its own group only', async () => {
  await using(payment().admin(), async (admin) => {
    expect((await admin.listTopics()).filter((name) => name.endsWith('-events'))).toEqual(['order-events']);
    await expect(admin.fetchTopicMetadata({ topics: ['inventory-events'] })).rejects.toThrow(/[Aa]uthoriz/);
    await expect(admin.createTopics({ topics: [{ topic: 'mine' }] })).rejects.toMatchObject({
      errors: [{ type: 'TOPIC_AUTHORIZATION_FAILED' }],
    });
  });
  await using(payment().producer(QUICK), async (producer) => {
    for (const topic of ['order-events', 'payment-events'])
      await expect(producer.send({ topic, messages: [{ value: 'forged' }] })).rejects.toThrow(/[Aa]uthoriz/);
  });
  // To its caller kafkajs says only that it found no coordinator for a group; why is in its log.
  const logged: unknown[] = [];
  const log: Partial<kafkajs.KafkaConfig> = {
    logLevel: kafkajs.logLevel.DEBUG,
    logCreator: () => (entry) => logged.push((entry.log['error'] as { type?: string } | undefined)?.type),
  };
  const crash = (groupId: string, topic: string) =>
    using(payment(log).consumer({ groupId, ...QUICK }), async (consumer) => {
      const crashed = new Promise<Error>((resolve) =>
        consumer.on(consumer.events.CRASH, ({ payload }) => resolve(payload.error)),
      );
      await consumer.subscribe({ topic });
      await consumer.run({ eachMessage: async () => undefined });
      throw await crashed;
    });
  await expect(crash('payment-service', 'inventory-events')).rejects.toThrow(/[Aa]uthoriz/);
  expect(logged).not.toContain('GROUP_AUTHORIZATION_FAILED');
  await expect(crash('order-service', 'order-events')).rejects.toThrow('Failed to find group coordinator');
  expect(logged).toContain('GROUP_AUTHORIZATION_FAILED');
});

test('Postgres refuses plain text, and its certificate is good', async () => {
  const options = {
    host: 'localhost',
    port: Number(setting(stack.env, 'POSTGRES_PORT')),
    username: 'orders_app',
    password: setting(stack.env, 'ORDERS_PASSWORD'),
    database: 'orders',
    max: 1,
  };
  const plain = postgres({ ...options, ssl: false });
  await expect(plain`select 1`).rejects.toThrow(/pg_hba.conf rejects connection .* no encryption/);
  await plain.end();
  const encrypted = postgres({ ...options, ssl: { ca, rejectUnauthorized: true } });
  const [row] = await encrypted`select ssl, version from pg_stat_ssl where pid = pg_backend_pid()`;
  expect(row).toEqual({ ssl: true, version: 'TLSv1.3' });
  await encrypted.end();
});

/** Asks through the gateway. @returns the status */
function knock(
  portVariable: string,
  method: string,
  path: string,
  auth?: string,
): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const port = setting(stack.env, portVariable);
    const options = { host: 'localhost', port, method, path, ca, ...(auth && { auth }) };
    request(options, (response) => {
      response.resume().once('end', () => resolve(response.statusCode));
    })
      .once('error', reject)
      .end();
  });
}

test('Connect and the registry open to the right user only', async () => {
  const operator = `operator:${setting(stack.env, 'OPERATOR_PASSWORD')}`;
  const service = `service:${setting(stack.env, 'REGISTRY_READER_PASSWORD')}`;
  expect(await knock('CONNECT_PORT', 'GET', '/connectors')).toBe(401);
  expect(await knock('CONNECT_PORT', 'GET', '/connectors', 'operator:wrong')).toBe(401);
  expect(await knock('CONNECT_PORT', 'GET', '/connectors', service)).toBe(403);
  expect(await knock('CONNECT_PORT', 'GET', '/connectors', operator)).toBe(200);
  const subjects = '/apis/ccompat/v7/subjects';
  expect(await knock('SCHEMA_REGISTRY_PORT', 'GET', subjects)).toBe(401);
  expect(await knock('SCHEMA_REGISTRY_PORT', 'GET', subjects, service)).toBe(200);
  expect(await knock('SCHEMA_REGISTRY_PORT', 'POST', `${subjects}/order-events-x/versions`, service)).toBe(
    403,
  );
  expect(await knock('SCHEMA_REGISTRY_PORT', 'DELETE', `${subjects}/order-events-x`, service)).toBe(403);
});

test('from a service’s container there is no way around the gateway', async () => {
  const look = `require('node:dns').promises.lookup(process.argv[1]).then(() => console.log('found'), (e) => console.log(e.code))`;
  for (const host of ['connect', 'registry'])
    expect((await stack.compose('exec', '-T', 'order', 'node', '-e', look, host)).trim()).toMatch(
      /ENOTFOUND|EAI_AGAIN/,
    );
  expect((await stack.compose('exec', '-T', 'order', 'node', '-e', look, 'gateway')).trim()).toBe('found');
});
