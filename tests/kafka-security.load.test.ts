import { randomUUID } from 'node:crypto';
import { copyFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type RunningConsumer, startConsumer } from '@walpost/kit/consumer/consumer';
import { eventSettings, readConfig } from '@walpost/kit/environment';
import { createKafka } from '@walpost/kit/kafka/create-kafka';
import { kafkaAccess } from '@walpost/kit/kafka/kafka-access';
import { createLogger } from '@walpost/kit/telemetry/logger';
import { walpost } from 'walpost/testing/run-cli';
import { endOf, eventually, placeOrder } from 'walpost/testing/support';
import { testStack } from 'walpost/testing/test-stack';
import { type AccessVariables, type SecureBroker, startSecureBroker } from './security/broker.ts';
import { makeAuthority, makeIdentity, store } from './security/certificates.ts';

const WAYS = ['PLAIN', 'SCRAM256', 'SCRAM512', 'OAUTH', 'MTLS'] as const;
/** The parts of the shop that an order needs; Kafka is the test's. */
const PARTS = ['postgres', 'registry', 'connect', 'setup', 'order', 'payment', 'inventory', 'watcher'];
/** Topics of the tests of single clients. */
const TOPIC = 'security-test';
const EMPTY = 'security-empty';

let broker: SecureBroker;
beforeAll(async () => {
  broker = await startSecureBroker();
});
afterAll(() => broker?.close());

const accessBy = (variables: AccessVariables) => kafkaAccess(readConfig(eventSettings, variables));

test.each(WAYS)('%s: the command line makes topics, and a client writes and reads', async (way) => {
  const { code, stderr } = await walpost(['topics', 'apply'], broker.access[way]);
  expect([code, stderr]).toEqual([0, '']);
  const kafka = createKafka(accessBy(broker.access[way]), { clientId: 'test' });
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: TOPIC }] });
  await admin.disconnect();
  const producer = kafka.producer();
  await producer.connect();
  await producer.send({ topic: TOPIC, messages: [{ value: way }] });
  await producer.disconnect();
  const consumer = kafka.consumer({ groupId: `test-${randomUUID()}` });
  await consumer.connect();
  await consumer.subscribe({ topic: TOPIC, fromBeginning: true });
  const read: string[] = [];
  await consumer.run({
    eachMessage: async ({ message }) => {
      read.push(String(message.value));
    },
  });
  await eventually(async () => read.includes(way) || undefined, 30);
  await consumer.disconnect();
});

const FOREIGN = 'foreign';
const without = (variables: AccessVariables, ...names: string[]): AccessVariables =>
  Object.fromEntries(Object.entries(variables).filter(([name]) => !names.includes(name)));

/** What is wrong, the variables, and what is said of it. */
const MISTAKES: [string, () => AccessVariables, RegExp][] = [
  [
    'a wrong password by PLAIN',
    () => ({ ...broker.access.PLAIN, KAFKA_PASSWORD: 'wrong' }),
    /Invalid username or password; are KAFKA_USERNAME, KAFKA_PASSWORD and KAFKA_SASL_MECHANISM right\?/,
  ],
  [
    'a wrong password by SCRAM',
    () => ({ ...broker.access.SCRAM512, KAFKA_PASSWORD: 'wrong' }),
    /invalid credentials .*; are KAFKA_USERNAME, KAFKA_PASSWORD and KAFKA_SASL_MECHANISM right\?/,
  ],
  [
    'a mechanism that the broker does not have',
    () => ({ ...broker.access.SCRAM512, KAFKA_SASL_MECHANISM: 'PLAIN' }),
    /does not support the requested SASL mechanism; is KAFKA_SASL_MECHANISM right\?/,
  ],
  [
    'a wrong client secret',
    () => ({ ...broker.access.OAUTH, KAFKA_OAUTH_CLIENT_SECRET: 'wrong' }),
    /no token from http\S+ .*: it answered 401, invalid_client; are KAFKA_OAUTH_CLIENT_ID and _SECRET right\?/,
  ],
  [
    'an issuer that is away',
    () => ({ ...broker.access.OAUTH, KAFKA_OAUTH_TOKEN_URL: 'http://localhost:2/token' }),
    /no token from http:\/\/localhost:2\/token \(KAFKA_OAUTH_TOKEN_URL\): .*ECONNREFUSED/,
  ],
  [
    'an unknown CA',
    () => without(broker.access.SCRAM512, 'KAFKA_CA_FILE'),
    /its certificate is signed by nobody who is trusted here .*; is KAFKA_CA_FILE, or NODE_EXTRA_CA_CERTS, right\?/,
  ],
  [
    'a CA file that is not there',
    () => ({ ...broker.access.SCRAM512, KAFKA_CA_FILE: '/not/there' }),
    /KAFKA_CA_FILE: \/not\/there cannot be read \(ENOENT\)/,
  ],
  [
    'a certificate of another name',
    () => ({ ...broker.access.MTLS, KAFKA_BROKERS: broker.at('MISNAMED') }),
    /its certificate is for another name \(.*DNS:elsewhere\)/,
  ],
  [
    'no client certificate',
    () => without(broker.access.MTLS, 'KAFKA_CERT_FILE', 'KAFKA_KEY_FILE'),
    /it refuses the certificate of this client, or the lack of one \(.*certificate required\); is KAFKA_CERT_FILE right\?/,
  ],
  [
    'a key of another certificate',
    () => ({ ...broker.access.MTLS, KAFKA_KEY_FILE: join(broker.folder, 'server.key') }),
    /KAFKA_CERT_FILE .* and KAFKA_KEY_FILE .* cannot be used: .*key values mismatch/,
  ],
  [
    'plain text to a port of TLS',
    () => ({ KAFKA_BROKERS: broker.at('MTLS') }),
    /it speaks TLS; is KAFKA_SECURITY_PROTOCOL right\?/,
  ],
  [
    'TLS to a port of plain text',
    () => ({ ...broker.access.MTLS, KAFKA_BROKERS: broker.at('OPEN') }),
    /it closed the connection before TLS was agreed on; is KAFKA_SECURITY_PROTOCOL right\?/,
  ],
  [
    'no login where one is asked for',
    () => ({ KAFKA_BROKERS: broker.at('PLAIN') }),
    /it closed the connection; .*is KAFKA_SECURITY_PROTOCOL right\?/,
  ],
  [
    'a login where none is asked for',
    () => ({ ...broker.access.PLAIN, KAFKA_BROKERS: broker.at('OPEN') }),
    /it takes no login at this port \(ILLEGAL_SASL_STATE\); is KAFKA_SECURITY_PROTOCOL right\?/,
  ],
];

test.each(MISTAKES)('%s is one line of the command line', async (_, variables, line) => {
  const { code, stdout, stderr } = await walpost(['topics', 'apply', '--wait', '0'], variables());
  expect([code, stdout, stderr.trimEnd().split('\n').length]).toEqual([1, '', 1]);
  expect(stderr).toMatch(/^walpost: Kafka at localhost:\d+: /);
  expect(stderr).toMatch(line);
});

/** A service's consumer, of a topic in which nothing is: it gets in or it does not. */
async function consume(
  variables: AccessVariables,
): Promise<{ consumer: RunningConsumer; said: () => string }> {
  const admin = createKafka({ brokers: [broker.at('OPEN')] }, { clientId: 'test' }).admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: EMPTY }] });
  await admin.disconnect();
  const lines: string[] = [];
  const consumer = startConsumer({
    kafka: accessBy(variables),
    groupId: `test-${randomUUID()}`,
    topics: [EMPTY],
    on: {},
    decoder: undefined as never,
    db: undefined as never,
    logger: createLogger('test', 'info', { write: (line) => lines.push(line) }),
  });
  const said = () =>
    lines
      .map((line) => (JSON.parse(line) as { msg: string }).msg)
      .filter((msg) => msg.startsWith('waiting for Kafka'))
      .join('\n');
  return { consumer, said };
}

/** Something wrong, what is said of it, and how it is put right while the service runs. */
const CURES: [string, () => Promise<{ variables: AccessVariables; cure: () => Promise<unknown> }>, RegExp][] =
  [
    [
      'a password that the broker does not know yet',
      async () => ({
        variables: { ...broker.access.SCRAM512, KAFKA_USERNAME: 'late', KAFKA_PASSWORD: 'later' },
        cure: () => broker.setPassword('late', 'later'),
      }),
      /invalid credentials .*; are KAFKA_USERNAME, KAFKA_PASSWORD and KAFKA_SASL_MECHANISM right\?/,
    ],
    [
      'an expired token',
      async () => {
        broker.issuer.lifetime = -5;
        return {
          variables: broker.access.OAUTH,
          cure: async () => {
            broker.issuer.lifetime = 300;
          },
        };
      },
      /the broker refuses the token of http\S+: .*invalid_token/,
    ],
    [
      'an issuer out of order',
      async () => {
        broker.issuer.refusal = { status: 503, error: 'temporarily_unavailable' };
        return {
          variables: broker.access.OAUTH,
          cure: async () => {
            broker.issuer.refusal = undefined;
          },
        };
      },
      /no token from http\S+ \(KAFKA_OAUTH_TOKEN_URL\): it answered 503, temporarily_unavailable/,
    ],
    [
      'an unknown CA',
      async () => {
        const path = join(broker.folder, 'changing-ca.crt');
        await writeFile(path, (await makeAuthority('another authority')).cert);
        return {
          variables: { ...broker.access.SCRAM512, KAFKA_CA_FILE: path },
          cure: async () => {
            await copyFile(String(broker.access.SCRAM512['KAFKA_CA_FILE']), `${path}.new`);
            await rename(`${path}.new`, path);
          },
        };
      },
      /its certificate is signed by nobody who is trusted here .*; is KAFKA_CA_FILE, or NODE_EXTRA_CA_CERTS, right\?/,
    ],
    [
      'a client certificate that has ended',
      async () => {
        const { cert, key } = await store(
          broker.folder,
          FOREIGN,
          await makeIdentity('client', broker.authority, 'localhost', -1),
        );
        return {
          variables: { ...broker.access.MTLS, KAFKA_CERT_FILE: cert, KAFKA_KEY_FILE: key },
          cure: async () => store(broker.folder, FOREIGN, await makeIdentity('client', broker.authority)),
        };
      },
      /it refuses the certificate of this client, or the lack of one \(.*\); is KAFKA_CERT_FILE right\?/,
    ],
  ];

test.each(CURES)(
  '%s is one line of a service, which gets in by itself when it is right',
  async (_, make, line) => {
    const { variables, cure } = await make();
    const { consumer, said } = await consume(variables);
    try {
      await eventually(async () => line.test(said()) || undefined, 60, { what: 'the line' });
      expect(() => consumer.ready()).toThrow();
      await cure();
      await eventually(async () => consumer.ready() ?? true, 60, { what: 'being let in' });
    } finally {
      await consumer.close();
    }
  },
);

test.each(WAYS)('%s: an order goes all the way, by Connect and three services', async (way) => {
  await broker.clean();
  const settings = { ...broker.access[way] };
  const stack = await testStack(PARTS, { settings });
  try {
    const { id } = await placeOrder(stack.env);
    expect((await endOf(stack.env, id)).status).toBe('CONFIRMED');
    const { stdout } = await stack.walpost('doctor');
    expect(stdout).toMatch(/^ok\s+Kafka\s+1 broker: /m);
    expect(stdout).toMatch(/^ok\s+Kafka Connect\s/m);
  } finally {
    await stack.close();
  }
});

test('a consumer stays in its group while its tokens end, and an issuer that is away for a moment', async () => {
  const { issuer } = broker;
  issuer.lifetime = 20;
  const { consumer, said } = await consume(broker.access.OAUTH);
  try {
    await eventually(async () => consumer.ready() ?? true, 60);
    const before = issuer.given;
    // Time is what ends a token: two of them here.
    const until = Date.now() + 40_000;
    while (Date.now() < until) {
      consumer.ready();
      await delay(500);
    }
    expect(issuer.given - before).toBeGreaterThanOrEqual(3);
    expect(said()).toBe('');
    issuer.refusal = { status: 503, error: 'temporarily_unavailable' };
    await delay(12_000);
    issuer.refusal = undefined;
    await eventually(async () => consumer.ready() ?? true, 60);
  } finally {
    issuer.lifetime = 300;
    issuer.refusal = undefined;
    await consumer.close();
  }
});
