import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import kafkajs, { type Admin, type IHeaders, type Producer } from 'kafkajs';
import { v7 as uuidv7 } from 'uuid';
import { eventually, kafkaOf, setting } from 'walpost/testing/support';
import { contract } from '../../../../schemas/contract.generated.ts';
import { openTestDatabase, type TestDatabase } from '../../../../tests/stack/database.ts';
import { createDecoder, encode } from '../../contract/codec.ts';
import { createRegistry } from '../../contract/registry.ts';
import type { Metadata } from '../../kafka/bear-leaderless.ts';
import { beforeParsing } from '../../kafka/inside-kafkajs.ts';
import type { Tx } from '../../postgres/database.ts';
import { createLogger } from '../../telemetry/logger.ts';
import { type ConsumerOptions, type RunningConsumer, startConsumer } from '../consumer.ts';
import type { ReceivedEvent } from '../receive.ts';

const env = process.env as Record<string, string>;
const brokers = () => setting(env, 'KAFKA_BROKERS').split(',');
const registryUrl = () => setting(env, 'SCHEMA_REGISTRY_URL');
const logger = createLogger('test', 'silent');

let database: TestDatabase;
let admin: Admin;
let producer: Producer;
let schemaId: number;
let topic: string;
let groupId: string;
let running: RunningConsumer[];

beforeAll(async () => {
  database = await openTestDatabase('notifications');
  await database.admin`create table effects (seq serial, key text, version integer, consumer text)`;
  await database.admin.unsafe(`grant all on effects, effects_seq_seq to "${database.name}_app"`);
  const kafka = kafkaOf(env);
  admin = kafka.admin();
  producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
  await Promise.all([admin.connect(), producer.connect()]);
  // The first request of a registry that has just started takes it seconds on a busy machine.
  schemaId = await eventually(() =>
    createRegistry({ url: registryUrl() }).register(contract.eventType('OrderCreated')),
  );
});
afterAll(async () => {
  await admin?.disconnect();
  await producer?.disconnect();
  await database?.close();
});
beforeEach(async () => {
  topic = `test-${randomUUID()}`;
  groupId = `test-${randomUUID()}`;
  running = [];
  await admin.createTopics({ topics: [{ topic, numPartitions: 4 }], waitForLeaders: false });
  await eventually(() => admin.fetchTopicMetadata({ topics: [topic] }));
  await database.admin`truncate effects, inbox, dead_letters`;
});
afterEach(async () => {
  for (const consumer of running) await consumer.close();
});

function start(name: string, changes: Partial<ConsumerOptions> = {}): RunningConsumer {
  const effect = async (tx: Tx, events: ReceivedEvent[]) => {
    for (const { key, version } of events) {
      await tx.execute(
        `insert into effects (key, version, consumer) values ('${key}', ${version}, '${name}')`,
      );
    }
  };
  const consumer = startConsumer({
    kafka: { brokers: brokers() },
    groupId,
    topics: [topic],
    decoder: createDecoder({ contract, registry: createRegistry({ url: registryUrl() }) }),
    db: database.db,
    on: { OrderCreated: effect },
    logger,
    ...changes,
  });
  running.push(consumer);
  return consumer;
}

/** Waits until a consumer is a member of its group. */
const joined = (consumer: RunningConsumer) =>
  eventually(async () => {
    consumer.ready();
    return true;
  });

function record(key: string, version = 1, changes: { value?: Buffer | null; headers?: IHeaders } = {}) {
  const order = { orderId: key, customerId: 'ada', currency: 'EUR', items: [], totalAmount: 0, createdAt: 1 };
  const value = encode(schemaId, contract.eventType('OrderCreated'), order);
  return {
    key,
    value: changes.value === undefined ? value : changes.value,
    headers: { ce_id: uuidv7(), aggregateversion: String(version), ...changes.headers },
  };
}

async function produce(...messages: ReturnType<typeof record>[]): Promise<void> {
  await producer.send({ topic, messages });
}

async function effects(): Promise<{ key: string; version: number; consumer: string }[]> {
  return database.admin`select key, version, consumer from effects order by seq`;
}

const effectsOf = (count: number) =>
  eventually(async () => ((await effects()).length >= count ? effects() : undefined));

/** What the group still has to read, over all partitions. */
async function lag(): Promise<bigint> {
  const ends = await admin.fetchTopicOffsets(topic);
  const [group] = await admin.fetchOffsets({ groupId, topics: [topic] });
  return ends.reduce((sum, { partition, high }) => {
    const at = group?.partitions.find((each) => each.partition === partition)?.offset ?? '-1';
    return sum + BigInt(high) - (at === '-1' ? 0n : BigInt(at));
  }, 0n);
}

const keys = (count: number) => Array.from({ length: count }, () => randomUUID());

test('what waits in several partitions is handled together', async () => {
  const sent = keys(40);
  await produce(...sent.map((key) => record(key)));
  await joined(start('only'));
  expect((await effectsOf(40)).map(({ key }) => key).sort()).toEqual(sent.sort());
  const [row] = await database.admin`select count(distinct xmin::text)::int as transactions from effects`;
  expect(row?.['transactions']).toBeLessThan(4);
  await eventually(async () => ((await lag()) === 0n ? true : undefined));
});

test('two members split the partitions, a third group sees everything', async () => {
  const first = start('first');
  await joined(first);
  const second = start('second');
  await eventually(async () => {
    const { groups } = await admin.describeGroups([groupId]);
    return groups[0]?.state === 'Stable' && groups[0].members.length === 2 ? true : undefined;
  });
  await joined(second);
  const sent = keys(60);
  await produce(...sent.map((key) => record(key)));
  const seen = await effectsOf(60);
  expect(seen.map(({ key }) => key).sort()).toEqual([...sent].sort());
  expect(new Set(seen.map(({ consumer }) => consumer))).toEqual(new Set(['first', 'second']));

  // Another service has a database of its own; here an empty inbox stands for it.
  await database.admin`truncate inbox, effects`;
  start('other', { groupId: `${groupId}-other` });
  expect((await effectsOf(60)).map(({ key }) => key).sort()).toEqual([...sent].sort());
});

test('killed between the database’s commit and the offset’s, an event acts once', async () => {
  const sent = keys(20);
  await produce(...sent.map((key) => record(key)));
  const config = {
    brokers: brokers(),
    registryUrl: registryUrl(),
    database: database.options,
    groupId,
    topic,
  };
  const script = fileURLToPath(new URL('../../../../dist/test/crashing-consumer.js', import.meta.url));
  const child = spawn(process.execPath, [script, JSON.stringify(config)], { stdio: 'ignore' });
  const [, signal] = await once(child, 'exit');
  expect(signal).toBe('SIGKILL');
  const before = (await effects()).length;
  expect(before).toBeGreaterThan(0);
  expect(await lag()).toBe(20n);

  start('survivor');
  const seen = await effectsOf(20);
  await eventually(async () => ((await lag()) === 0n ? true : undefined));
  expect(seen.map(({ key }) => key).sort()).toEqual([...sent].sort());
  expect(await effects()).toHaveLength(20);
  expect(seen.filter(({ consumer }) => consumer !== null)).toHaveLength(20 - before);
});

test('poison of every kind becomes one dead letter each, with its reason, and holds nobody up', async () => {
  const good = record('good');
  if (!good.value) throw new Error('a good record has a value');
  const unknownId = Buffer.from(good.value);
  unknownId.writeInt32BE(987_654, 1);
  await produce(
    record('p1', 1, { value: unknownId }),
    record('p2', 1, { value: Buffer.concat([Buffer.from([7]), good.value.subarray(1)]) }),
    record('p3', 1, { value: good.value.subarray(0, 12) }),
    record('p4', 1, { value: Buffer.concat([good.value, Buffer.from([1])]) }),
    record('p5', 1, { value: null }),
    record('p6', 1, { headers: { ce_id: 'none' } }),
    record('p7', 1, { headers: { aggregateversion: '' } }),
    record('p3', 2),
    good,
  );
  start('one');
  expect((await effectsOf(1)).map(({ key }) => key)).toEqual(['good']);
  await eventually(async () => ((await lag()) === 0n ? true : undefined));
  const deadLetters = await database.admin`select key, state, error_code from dead_letters order by key, id`;
  expect(deadLetters.map((row) => [row['key'], row['state'], row['error_code']])).toEqual([
    ['p1', 'dead', 'unknown-schema-id'],
    ['p2', 'dead', 'bad-magic-byte'],
    ['p3', 'dead', 'truncated'],
    ['p3', 'parked', null],
    ['p4', 'dead', 'trailing-bytes'],
    ['p5', 'dead', 'missing-value'],
    ['p6', 'dead', 'invalid-event-id'],
    ['p7', 'dead', 'invalid-version'],
  ]);
});

test('closing finishes the batch under way and commits its offset', async () => {
  let began: () => void = () => undefined;
  let release: () => void = () => undefined;
  const inHand = new Promise<void>((resolve) => {
    began = resolve;
  });
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const consumer = start('slow', {
    on: {
      OrderCreated: async (tx, events) => {
        began();
        await gate;
        for (const { key } of events)
          await tx.execute(`insert into effects (key, version) values ('${key}', 1)`);
      },
    },
  });
  await joined(consumer);
  await produce(record('a'));
  await inHand;
  const closing = consumer.close();
  release();
  await closing;
  expect(await effects()).toHaveLength(1);
  expect(await lag()).toBe(0n);
});

test('with the registry away the partition is paused and readiness says why; then it goes on by itself', async () => {
  const real = createRegistry({ url: registryUrl() });
  let away = true;
  const registry = {
    schemaOf: (id: number) => (away ? Promise.reject(new Error('connect ECONNREFUSED')) : real.schemaOf(id)),
  };
  await produce(record('a'));
  const consumer = start('one', { decoder: createDecoder({ contract, registry }) });
  await eventually(async () => {
    try {
      consumer.ready();
    } catch (error) {
      return String(error).includes('is paused') ? true : undefined;
    }
    return undefined;
  });
  away = false;
  expect((await effectsOf(1)).map(({ key }) => key)).toEqual(['a']);
  await joined(consumer);
  expect(await database.admin`select from dead_letters`).toHaveLength(0);
});

test.each(['gzip', 'snappy', 'lz4', 'zstd'])(
  'batches that the broker compressed by %s are read',
  async (codec) => {
    const own = `test-${randomUUID()}`;
    const configEntries = [{ name: 'compression.type', value: codec }];
    await admin.createTopics({
      topics: [{ topic: own, numPartitions: 2, configEntries }],
      waitForLeaders: false,
    });
    await eventually(() => admin.fetchTopicMetadata({ topics: [own] }));
    // Larger than the blocks of 32 and 64 kB that Java's snappy and lz4 write.
    const sent = keys(1_500);
    await producer.send({ topic: own, messages: sent.map((key) => record(key)) });
    start('one', { topics: [own] });
    expect((await effectsOf(1_500)).map(({ key }) => key).sort()).toEqual([...sent].sort());
  },
);

test('a damaged batch holds its partition and says so; what is before it and beside it goes on, and it when it is whole', async () => {
  const own = `test-${randomUUID()}`;
  const configEntries = [{ name: 'compression.type', value: 'zstd' }];
  await admin.createTopics({
    topics: [{ topic: own, numPartitions: 2, configEntries }],
    waitForLeaders: false,
  });
  await eventually(() => admin.fetchTopicMetadata({ topics: [own] }));
  const send = (partition: number, ...messages: ReturnType<typeof record>[]) =>
    producer.send({ topic: own, messages: messages.map((each) => ({ ...each, partition })) });
  await send(0, record('before'));
  await send(0, record('damaged 1'), record('damaged 2'));
  const log = join(setting(env, 'WALPOST_TEST_DATA'), 'kafka', `${own}-0`, '00000000000000000000.log');
  const end = (await stat(log)).size - 1;
  const flipByte = async (at = end) => {
    const file = await open(log, 'r+');
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, at);
    await file.write(Buffer.from([buffer.readUInt8() ^ 0xff]), 0, 1, at);
    await file.close();
  };
  await flipByte();
  await send(1, record('beside'));
  await send(0, record('behind'));
  const consumer = start('one', { topics: [own] });
  expect((await effectsOf(2)).map(({ key }) => key).sort()).toEqual(['before', 'beside']);
  await eventually(async () => {
    try {
      consumer.ready();
    } catch (error) {
      return String(error).includes(`${own}/0 is paused: the batch is damaged`) ? true : undefined;
    }
    return undefined;
  });
  expect(await database.admin`select from dead_letters`).toHaveLength(0);
  await flipByte();
  expect((await effectsOf(5)).slice(2).map(({ key }) => key)).toEqual(['damaged 1', 'damaged 2', 'behind']);
});

test('partitions that are added to a topic are read soon', async () => {
  const consumer = start('one');
  await joined(consumer);
  await produce(record('a'));
  await effectsOf(1);
  await admin.createPartitions({ topicPartitions: [{ topic, count: 6 }] });
  await eventually(async () => {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    return topics[0]?.partitions.length === 6 ? true : undefined;
  });
  // A producer that knew the topic before would lose the record: kafkajs drops what is for a partition unknown to it.
  const newcomer = kafkaOf(env).producer();
  await newcomer.connect();
  await newcomer.send({ topic, messages: [{ ...record('b'), partition: 5 }] });
  await newcomer.disconnect();
  // kafkajs by itself looks after 5 minutes.
  expect((await effectsOf(2)).map(({ key }) => key)).toEqual(['a', 'b']);
});

test('an aborted transaction at the end of a partition is committed past, without an event after it', async () => {
  start('one');
  await produce(record('a'));
  await effectsOf(1);
  const transactional = kafkaOf(env).producer({
    transactionalId: randomUUID(),
    idempotent: true,
    maxInFlightRequests: 1,
  });
  await transactional.connect();
  for (const end of ['abort', 'commit', 'abort'] as const) {
    const transaction = await transactional.transaction();
    await transaction.send({ topic, messages: [record(end), record('a')] });
    await transaction[end]();
  }
  await transactional.disconnect();
  await eventually(async () => ((await lag()) === 0n ? true : undefined));
  expect((await effects()).map(({ key }) => key).sort()).toEqual(['a', 'a', 'commit']);
});

test('no record of transactions that overlapped and were aborted is handled', async () => {
  const options = { idempotent: true, maxInFlightRequests: 1 };
  const outer = kafkaOf(env).producer({ ...options, transactionalId: randomUUID() });
  const inner = kafkaOf(env).producer({ ...options, transactionalId: randomUUID() });
  const message = (key: string) => ({ topic, messages: [{ ...record(key), partition: 0 }] });
  await Promise.all([outer.connect(), inner.connect()]);
  const around = await outer.transaction();
  await around.send(message('outer'));
  const inside = await inner.transaction();
  await inside.send(message('inner'));
  // It begins later and ends first.
  await inside.abort();
  await around.send(message('outer'));
  await around.abort();
  await Promise.all([outer.disconnect(), inner.disconnect()]);
  await producer.send(message('a'));
  start('one');
  await effectsOf(1);
  await eventually(async () => ((await lag()) === 0n ? true : undefined));
  expect((await effects()).map(({ key }) => key)).toEqual(['a']);
});

test('a partition without a leader holds up no other one, and is read when it has one', async () => {
  const name = topic;
  for (const partition of [0, 1])
    await producer.send({ topic, messages: [{ ...record(`of ${partition}`), partition }] });
  let away = true;
  // What a broker answers when the one replica of a partition is away.
  beforeParsing<Metadata>('metadata/v6', ({ topicMetadata }) => {
    const all = topicMetadata.find((each) => each.topic === name)?.partitionMetadata ?? [];
    for (const each of all.filter(({ partitionId }) => away && partitionId === 1))
      Object.assign(each, { partitionErrorCode: 5, leader: -1 });
  });
  const consumer = start('one');
  expect((await effectsOf(1)).map(({ key }) => key)).toEqual(['of 0']);
  consumer.ready();
  away = false;
  expect((await effectsOf(2)).map(({ key }) => key)).toEqual(['of 0', 'of 1']);
});

test('a consumer that is there before its topic waits for it', async () => {
  const later = `test-${randomUUID()}`;
  start('early', { topics: [later] });
  await admin.createTopics({ topics: [{ topic: later, numPartitions: 1 }], waitForLeaders: false });
  await eventually(() => producer.send({ topic: later, messages: [record('a')] }));
  expect((await effectsOf(1)).map(({ key }) => key)).toEqual(['a']);
});

test('a client that gives up for good is replaced, and joins as soon as it can', async () => {
  const { AssignerProtocol, PartitionAssigners } = kafkajs;
  const name = 'another way of sharing';
  const outsider = kafkaOf(env).consumer({
    groupId,
    partitionAssigners: [
      (config) => ({
        ...PartitionAssigners.roundRobin(config),
        name,
        protocol: ({ topics }) => ({
          name,
          metadata: AssignerProtocol.MemberMetadata.encode({ version: 1, topics, userData: Buffer.alloc(0) }),
        }),
      }),
    ],
  });
  running.push({ ready: () => undefined, close: () => outsider.disconnect() });
  await outsider.connect();
  await outsider.subscribe({ topic });
  const inside = new Promise((resolve) => outsider.on(outsider.events.GROUP_JOIN, resolve));
  await outsider.run({ eachMessage: async () => undefined });
  await inside;

  const said: string[] = [];
  const consumer = start('one', {
    logger: createLogger('test', 'warn', { write: (line) => said.push(line) }),
  });
  await eventually(async () => said.some((line) => line.includes('waiting for Kafka and')) || undefined);
  expect(said.join('')).toContain('protocols are incompatible');
  expect(() => consumer.ready()).toThrow('not in the group');
  await outsider.disconnect();
  await joined(consumer);
  await produce(record('a'));
  expect((await effectsOf(1)).map(({ key }) => key)).toEqual(['a']);
});
