import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { type KafkaRequests, openRequests } from '@walpost/kit/kafka/requests';
import type { Admin, Kafka, Producer } from 'kafkajs';
import type { PartitionProgress } from '../../../observe/describe-group.ts';
import { startKafkaTool } from '../../../testing/kafka-tool.ts';
import { cells, walpost } from '../../../testing/run-cli.ts';
import { eventually, kafkaOf } from '../../../testing/support.ts';

const HOUR = 3_600_000;
const env = process.env as Record<string, string>;

let kafka: Kafka;
let admin: Admin;
let producer: Producer;
let requests: KafkaRequests;
let topic: string;
let group: string;

beforeAll(async () => {
  kafka = kafkaOf(env);
  admin = kafka.admin();
  producer = kafka.producer();
  await Promise.all([admin.connect(), producer.connect()]);
  requests = await openRequests(kafka);
});
afterAll(async () => {
  await requests?.close();
  await admin?.disconnect();
  await producer?.disconnect();
});
beforeEach(async () => {
  topic = `test-${randomUUID()}`;
  group = `test-${randomUUID()}`;
  await admin.createTopics({ topics: [{ topic, numPartitions: 3 }], waitForLeaders: false });
  // A leader that metadata name may not know of it yet.
  await eventually(() => admin.fetchTopicOffsets(topic));
});

const send = (partition: number, ...timestamps: number[]) =>
  producer.send({
    topic,
    messages: timestamps.map((time) => ({ partition, value: 'x', timestamp: String(time) })),
  });

async function sendInTransaction(partition: number, end: 'commit' | 'abort'): Promise<void> {
  const options = { transactionalId: randomUUID(), idempotent: true, maxInFlightRequests: 1 };
  const transactional = kafka.producer(options);
  await transactional.connect();
  const transaction = await transactional.transaction();
  await transaction.send({ topic, messages: [{ partition, value: 'x' }] });
  await transaction[end]();
  await transactional.disconnect();
}

const commit = (...offsets: string[]) =>
  requests.commit(
    group,
    topic,
    offsets.map((offset, partition) => ({ partition, offset })),
  );

async function committed(): Promise<string[]> {
  const [found] = await admin.fetchOffsets({ groupId: group, topics: [topic] });
  return (found?.partitions ?? []).sort((a, b) => a.partition - b.partition).map(({ offset }) => offset);
}

async function described(): Promise<PartitionProgress[]> {
  const { stdout, stderr } = await walpost(['groups', 'describe', group, '--json']);
  expect(stderr).toBe('');
  return JSON.parse(stdout).partitions;
}

const reset = (...args: string[]) => walpost(['groups', 'reset', group, '--topic', topic, ...args]);

test('lag and oldest unread record, and no group of its own left behind', async () => {
  const now = Date.now();
  await send(0, now - 5 * HOUR, now - 3 * HOUR, now);
  await send(1, now);
  await commit('1', '1', '0');
  const { stdout, code } = await walpost(['groups', 'describe', group]);
  expect(code).toBe(0);
  expect(cells(stdout.slice(stdout.indexOf('\n') + 1)).map((row) => row.slice(1, 6))).toEqual([
    ['0', '1', '3', '2', '3 h'],
    ['1', '1', '1', '0', '-'],
    ['2', '0', '0', '0', '-'],
  ]);
  const { groups } = await admin.listGroups();
  expect(groups.filter(({ groupId }) => groupId.startsWith('walpost-peek-'))).toEqual([]);

  const list = await walpost(['groups', 'list']);
  const rows = new Map(cells(list.stdout).map((row) => [row[0], row.slice(1)]));
  expect(rows.get(group)).toEqual(['Empty', '0', '2', '3 h', 'classic']);
  expect([...rows.keys()].slice(0, 4)).toEqual([
    'order-service',
    'payment-service',
    'inventory-service',
    'notification-service',
  ]);
});

test('what is left of transactions alone is no lag', async () => {
  await sendInTransaction(0, 'commit');
  await sendInTransaction(1, 'abort');
  await sendInTransaction(2, 'abort');
  await sendInTransaction(2, 'commit');
  await commit('1', '0', '0');
  expect(await described()).toMatchObject([
    { committed: '1', end: '2', lag: 0, oldestUnread: null },
    { committed: '0', end: '2', lag: 0, oldestUnread: null },
    { committed: '0', end: '4', lag: 4, oldestUnread: expect.any(Number) },
  ]);
});

test('a member is shown with its host, and a partition without a commit is unread from its first record on', async () => {
  await send(0, Date.now() - HOUR);
  const consumer = kafka.consumer({ groupId: group });
  try {
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({ autoCommit: false, eachMessage: async () => undefined });
    await eventually(async () => {
      const { groups } = await admin.describeGroups([group]);
      return groups[0]?.state === 'Stable' ? true : undefined;
    });
    const [first] = await described();
    expect(first).toMatchObject({ committed: null, lag: 1, memberId: expect.stringContaining('test-') });
    expect(first?.host).toMatch(/^[\d.:a-f]+$/);
    const refused = await reset('--to', 'earliest', '--yes');
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(/^walpost: group \S+ is active \(Stable, members: 1\): stop .*\n$/);
  } finally {
    await consumer.disconnect();
  }
});

test('records that retention removed before they were read are reported, and are no lag', async () => {
  await send(0, 1, 2, 3);
  await commit('1', '0', '0');
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '3' }] });
  await eventually(async () => ((await described())[0]?.expired === 2 ? true : undefined));
  expect((await described())[0]).toMatchObject({ lag: 0, expired: 2 });
  expect((await walpost(['groups', 'describe', group])).stdout).toContain(
    `${topic}/0: 2 offsets were removed`,
  );
});

test('a reset says first what it would do, and does it with --yes', async () => {
  const now = Date.now();
  await send(0, now - 5 * HOUR, now - 3 * HOUR, now);
  await send(1, now);
  await commit('2', '0', '0');
  const dry = await reset('--to', 'earliest');
  expect(dry.code).toBe(0);
  expect(dry.stdout).toContain('dry run');
  expect(cells(dry.stdout).map((row) => row.slice(1, 5))).toEqual([
    ['0', '2', '0', 'reads 2 again'],
    ['1', '0', '0', 'unchanged'],
    ['2', '0', '0', 'unchanged'],
    [],
  ]);
  expect(await committed()).toEqual(['2', '0', '0']);

  await reset('--to', 'latest', '--yes');
  expect(await committed()).toEqual(['3', '1', '0']);
  await reset('--to', 'time', new Date(now - 4 * HOUR).toISOString(), '--yes');
  expect(await committed()).toEqual(['1', '0', '0']);
  const one = await reset('--to', 'offset', '3', '--partition', '0', '--yes');
  expect(one.stdout).toContain('skips 2');
  expect(await committed()).toEqual(['3', '0', '0']);
});

test('a reset to what is not there is refused, and changes nothing', async () => {
  await send(0, 1);
  await commit('1', '0', '0');
  expect((await reset('--to', 'offset', '2', '--yes')).stderr).toContain(
    `offset 2 is outside of ${topic}/0, which has 0 to 1`,
  );
  expect((await reset('--to', 'latest', '--partition', '3', '--yes')).stderr).toContain('has no partition 3');
  expect((await reset('--to', 'newest', '--yes')).code).toBe(2);
  const typo = await walpost(['groups', 'reset', `${group}x`, '--topic', topic, '--to', 'latest', '--yes']);
  expect(typo.stderr).toContain(`Kafka has no group ${group}x`);
  expect((await walpost(['groups', 'reset', group, '--topic', 'nope', '--to', 'latest'])).stderr).toBe(
    'walpost: Kafka has no topic nope\n',
  );
  expect(await committed()).toEqual(['1', '0', '0']);
});

/** Kafka's own consumer, as a member of the group until the work is done. */
async function besideKafkasOwn(
  tool: string,
  args: readonly string[],
  work: () => Promise<void>,
): Promise<void> {
  const member = await startKafkaTool(tool, ['--topic', topic, '--group', group, ...args]);
  const ended = once(member, 'exit');
  try {
    await work();
  } finally {
    member.kill();
    await ended;
  }
}

test('a group of the new protocol is shown with its members, and not reset while it has any', async () => {
  await send(0, Date.now(), Date.now());
  const protocol = ['--consumer-property', 'group.protocol=consumer', '--from-beginning'];
  await besideKafkasOwn('consumer.ConsoleConsumer', protocol, async () => {
    await eventually(async () => ((await described())[0]?.committed === '2' ? true : undefined), 120);
    const { stdout } = await walpost(['groups', 'describe', group, '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ type: 'consumer', state: 'Stable', members: 1 });
    expect(await described()).toMatchObject([
      { lag: 0, memberId: expect.any(String), host: expect.stringMatching(/^[\d.:a-f]+$/) },
      { memberId: expect.any(String) },
      { memberId: expect.any(String) },
    ]);
    const list = await walpost(['groups', 'list']);
    expect(cells(list.stdout).find(([name]) => name === group)).toEqual([
      group,
      'Stable',
      '1',
      '0',
      '-',
      'consumer',
    ]);
    const refused = await reset('--to', 'earliest', '--yes');
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(/^walpost: group \S+ is active \(Stable, members: 1\): stop .*\n$/);
    // Kafka itself would not have it either: a member that joins a moment later is safe.
    await expect(requests.commit(group, topic, [{ partition: 0, offset: '0' }])).rejects.toThrow();
    expect(await committed()).toEqual(['2', '0', '0']);
  });
  await eventually(async () => ((await reset('--to', 'earliest', '--yes')).code === 0 ? true : undefined));
  expect(await committed()).toEqual(['0', '0', '0']);
});

test('a share group is listed as what it is, and never reset', async () => {
  await besideKafkasOwn('consumer.ConsoleShareConsumer', [], async () => {
    const found = await eventually(async () => {
      const { stdout } = await walpost(['groups', 'list']);
      const row = cells(stdout).find(([name]) => name === group);
      return row?.[1] === 'Stable' ? row : undefined;
    }, 120);
    expect(found).toEqual([group, 'Stable', '-', '0', '-', 'share']);
    const refused = await reset('--to', 'earliest', '--yes');
    expect(refused.stderr).toMatch(/^walpost: group \S+ is of the type share \(Stable\): .*\n$/);
  });
});

test('a member that joins between the look and the deed is not harmed', async () => {
  await commit('0', '0', '0');
  const consumer = kafka.consumer({ groupId: group });
  try {
    await consumer.connect();
    await consumer.subscribe({ topic });
    await consumer.run({ eachMessage: async () => undefined });
    await eventually(async () => {
      const { groups } = await admin.describeGroups([group]);
      return groups[0]?.state === 'Stable' ? true : undefined;
    });
    await expect(commit('0', '0', '0')).rejects.toThrow();
  } finally {
    await consumer.disconnect();
  }
});

test('a reset of a topic that the group does not read is refused, and leaves no commit', async () => {
  const other = `test-${randomUUID()}`;
  await admin.createTopics({ topics: [{ topic: other, numPartitions: 1 }], waitForLeaders: false });
  await eventually(() => admin.fetchTopicMetadata({ topics: [other] }));
  await commit('0', '0', '0');
  const args = ['--topic', other, '--to', 'earliest', '--yes'];
  const refused = await walpost(['groups', 'reset', group, ...args]);
  expect(refused).toMatchObject({
    code: 1,
    stdout: '',
    stderr: `walpost: group ${group} does not read ${other}; it reads ${topic}\n`,
  });
  const ours = await walpost(['groups', 'reset', 'payment-service', ...args]);
  expect(ours.stderr).toBe(`walpost: group payment-service does not read ${other}; it reads order-events\n`);
  const [found] = await admin.fetchOffsets({ groupId: group, topics: [other] });
  expect(found?.partitions.filter(({ offset }) => offset !== '-1')).toEqual([]);
});

test('an open transaction is named, with what it keeps from being read', async () => {
  await commit('0', '0', '0');
  const transactionalId = `billing-${randomUUID()}`;
  const transactional = kafka.producer({ transactionalId, idempotent: true, maxInFlightRequests: 1 });
  await transactional.connect();
  const transaction = await transactional.transaction();
  try {
    await send(1, Date.now() - HOUR);
    await transaction.send({ topic, messages: [{ partition: 1, value: 'x' }] });
    await send(1, Date.now());
    const { stdout } = await walpost(['groups', 'describe', group]);
    expect(stdout).toMatch(
      new RegExp(
        `${topic}/1 cannot be read from offset 1 on: the transaction ${transactionalId} of producer \\d+ \\(epoch 0\\) is open, since \\d{4}-`,
      ),
    );
    expect((await described())[1]).toMatchObject({
      lag: 3,
      oldestUnread: expect.any(Number),
      openTransaction: { transactionalId, hanging: false, from: '1', since: expect.any(Number) },
    });
  } finally {
    await transaction.abort();
    await transactional.disconnect();
  }
  await eventually(async () => ((await described())[1]?.openTransaction === null ? true : undefined));
});

test('with Kafka away there is one line', async () => {
  const { code, stderr } = await walpost(['groups', 'list', '--wait', '0'], { KAFKA_BROKERS: 'localhost:1' });
  expect(code).toBe(1);
  expect(stderr).toMatch(/^walpost: Kafka at localhost:1: .*\n$/);
});
