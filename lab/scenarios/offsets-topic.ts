import { makeTopic, openAdmin, openConsumer, openProducer, orderNames } from './clients.ts';
import type { Scenario, Stage } from './stage.ts';

const TOPIC = 'scenario-offsets-topic';
const GROUP = 'offsets-topic';
const OFFSETS = '__consumer_offsets';

/** A group's place is a record like any other, in a topic of Kafka's own. */
export const offsetsTopic: Scenario = {
  name: 'offsets-topic',
  summary: '__consumer_offsets, record by record, while a group commits',
  question: 'A group commits offset 10, then 20, then 30. Where is that kept, and what is there afterwards?',
  parts: ['kafka'],
  play,
};

async function play(stage: Stage): Promise<void> {
  const { say, show, eventually } = stage;
  const admin = await openAdmin(stage);
  await makeTopic(stage, admin, TOPIC, 1);
  const producer = await openProducer(stage);
  const seen: Commit[] = [];
  let others = 0;

  say(`A group reads ${TOPIC} and commits each ten events. Another consumer reads ${OFFSETS} meanwhile.`);
  const member = await openConsumer(stage, GROUP);
  await member.subscribe({ topic: TOPIC, fromBeginning: true });
  await member.run({
    autoCommit: false,
    eachMessage: async ({ message: { offset } }) => {
      const next = Number(offset) + 1;
      if (next % 10 === 0) await member.commitOffsets([{ topic: TOPIC, partition: 0, offset: String(next) }]);
    },
  });
  const spy = await openConsumer(stage, 'offsets-topic-spy');
  await spy.subscribe({ topic: OFFSETS, fromBeginning: true });
  await spy.run({
    autoCommit: false,
    eachMessage: async ({ partition, message: { key, value } }) => {
      const commit = key && readCommit(key, value);
      if (commit?.group === GROUP) seen.push({ ...commit, home: partition });
      else if (key && nameIn(key) === GROUP) others += 1;
    },
  });
  await producer.send({
    topic: TOPIC,
    messages: orderNames(30).map((key) => ({ key, value: 'OrderCreated' })),
  });
  const commits = await eventually('three commits', async () => (seen.length >= 3 ? [...seen] : undefined));
  for (const { group, topic, partition, offset } of commits)
    say(`    key: (${group}, ${topic}, ${partition})  value: offset ${offset}`);
  show(
    `each commit is a record of ${OFFSETS}: ${commits.map(({ offset }) => offset).join(', ')}`,
    commits.map(({ offset }) => offset).join() === '10,20,30',
  );
  show(
    `all in its partition ${commits[0]?.home}, chosen by the group's name: the broker that leads it coordinates the group`,
    new Set(commits.map(({ home }) => home)).size === 1,
  );
  show(`${others} more records there are of the group itself, its members and their partitions`, others > 0);

  const description = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: 2, name: OFFSETS, configNames: ['cleanup.policy'] }],
  });
  const policy = description.resources[0]?.configEntries[0]?.configValue;
  show(
    `cleanup.policy is ${policy}: of one key the last record stays, so a group has one place`,
    policy === 'compact',
  );

  say('The group leaves, and its offsets are deleted.');
  await member.disconnect();
  await admin.deleteGroups([GROUP]);
  const grave = await eventually('a record without a value', async () =>
    seen.find(({ offset }) => offset === undefined),
  );
  show(`a record with the same key and no value, a tombstone, ends it`, grave.topic === TOPIC);
}

interface Commit {
  group: string;
  topic: string;
  partition: number;
  /** Undefined for a tombstone. */
  offset: number | undefined;
  /** The partition of the offsets topic. */
  home?: number;
}

/**
 * Reads a committed offset (Kafka's OffsetCommitKey.json, versions 0 and 1, and OffsetCommitValue.json, whose versions
 * all begin with the offset). @returns undefined for records of another kind
 */
function readCommit(key: Buffer, value: Buffer | null): Commit | undefined {
  if (key.readInt16BE(0) > 1) return undefined;
  const group = nameIn(key);
  const at = 4 + key.readInt16BE(2);
  const length = key.readInt16BE(at);
  const topic = key.toString('utf8', at + 2, at + 2 + length);
  const offset = value ? Number(value.readBigInt64BE(2)) : undefined;
  return { group, topic, partition: key.readInt32BE(at + 2 + length), offset };
}

/** The group's name, which every key of the topic begins with, after its version. */
function nameIn(key: Buffer): string {
  return key.toString('utf8', 4, 4 + key.readInt16BE(2));
}
