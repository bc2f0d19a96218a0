import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import kafkajs, { type Admin } from 'kafkajs';
import { committedOf, kafkaOf, makeTopic, openAdmin, openProducer } from './clients.ts';
import type { Scenario, Stage } from './stage.ts';

const TOPIC = 'scenario-retention';
const RECORDS = 3_000;
/** With 1 KiB each and segments of 1 MiB, the least that Kafka allows, there are three segments. */
const RECORD_BYTES = 1_024;
const CONFIG = {
  'segment.bytes': String(1_024 * 1_024),
  'file.delete.delay.ms': '0',
  // Time-based expiry of plain topics is looked at every 5 minutes (log.retention.check.interval.ms). Of topics that
  // are compacted too the cleaner does it, whose interval a running broker lets us change. Every key here is another,
  // so that there is nothing to compact.
  'cleanup.policy': 'compact,delete',
};

/** A topic is a log on a disk, and its consumers take nothing away. */
export const retention: Scenario = {
  name: 'retention',
  summary: 'consuming deletes nothing; segment files on the disk; expiry by retention.ms',
  question: 'Two groups have read all of a topic. What is left of it on the disk of the broker?',
  parts: ['kafka'],
  play,
};

async function play(stage: Stage): Promise<void> {
  const { say, show, eventually } = stage;
  const admin = await openAdmin(stage);
  await makeTopic(stage, admin, TOPIC, 1, { ...CONFIG, 'retention.ms': '-1' });
  const producer = await openProducer(stage);
  say(`${RECORDS} records of ${RECORD_BYTES} bytes are sent, to one partition with segments of 1 MiB.`);
  for (let at = 0; at < RECORDS; at += 100) {
    const messages = Array.from({ length: 100 }, (_each, index) => ({
      key: `record-${at + index}`,
      value: Buffer.alloc(RECORD_BYTES),
    }));
    await producer.send({ topic: TOPIC, messages });
  }

  const folder = join(stage.stack.dataDir, 'kafka', `${TOPIC}-0`);
  const before = await filesOf(folder);
  say(`On the broker's disk, in ${TOPIC}-0:`);
  for (const { name, size } of before) say(`    ${name.padEnd(32)} ${String(size).padStart(9)} bytes`);
  const kinds = ['.log', '.index', '.timeindex'].map(
    (kind) => before.filter(({ name }) => name.endsWith(kind)).length,
  );
  show(
    `${kinds[0]} segments, each named after its first offset: a .log, an .index and a .timeindex`,
    kinds.every((count) => count === kinds[0] && count > 1),
  );

  for (const group of ['first', 'second']) {
    const read = await readAll(stage, `retention-${group}`, RECORDS);
    const committed = await committedOf(admin, `retention-${group}`, TOPIC);
    show(
      `group ${group} read from offset ${read.from}, ${read.count} records, and committed ${committed}`,
      read.from === 0 && read.count === RECORDS && committed === RECORDS,
    );
  }
  const after = await filesOf(folder);
  show(
    `two groups have read all of it, and the log is as before: ${bytes(after)} bytes`,
    bytes(after) === bytes(before),
  );

  say('Now retention.ms is set to 1000.');
  await quickenCleaner(admin);
  await alter(admin, kafkajs.ConfigResourceTypes.TOPIC, TOPIC, { ...CONFIG, 'retention.ms': '1000' });
  const low = await eventually('expiry', async () => {
    const [offsets] = await admin.fetchTopicOffsets(TOPIC);
    return Number(offsets?.low) === RECORDS ? RECORDS : undefined;
  });
  const left = await eventually('files removed', async () => {
    const files = await filesOf(folder);
    return bytes(files) === 0 ? files.filter(({ name }) => name.endsWith('.log')) : undefined;
  });
  show(
    `time deletes, not reading: the log now starts at offset ${low}, in ${left.map(({ name }) => name).join(', ')}`,
    left.length === 1 && Number.parseInt(left[0]?.name ?? '', 10) === RECORDS,
  );
  await producer.send({ topic: TOPIC, messages: [{ key: 'one more', value: 'new' }] });
  const late = await readAll(stage, 'retention-late', 1);
  show(
    `a group that comes now starts at offset ${late.from}; what expired is gone for it`,
    late.from === RECORDS,
  );
}

/** The segment files of a partition, by name. */
async function filesOf(folder: string): Promise<{ name: string; size: number }[]> {
  const names = (await readdir(folder)).filter((name) => /^\d+\.(log|index|timeindex)$/.test(name)).sort();
  return Promise.all(names.map(async (name) => ({ name, size: (await stat(join(folder, name))).size })));
}

/** What the records take; the indexes of the segment in use are set aside in full size. */
function bytes(files: readonly { name: string; size: number }[]): number {
  return files.filter(({ name }) => name.endsWith('.log')).reduce((sum, { size }) => sum + size, 0);
}

/** Reads as a new group, from the start, until it has so many records; commits and leaves. */
async function readAll(
  stage: Stage,
  groupId: string,
  count: number,
): Promise<{ from: number; count: number }> {
  const consumer = kafkaOf(stage).consumer({ groupId, maxWaitTimeInMs: 100 });
  await consumer.connect();
  try {
    await consumer.subscribe({ topic: TOPIC, fromBeginning: true });
    const offsets: number[] = [];
    await consumer.run({
      eachBatch: async ({ batch, resolveOffset, commitOffsetsIfNecessary, uncommittedOffsets }) => {
        offsets.push(...batch.messages.map(({ offset }) => Number(offset)));
        resolveOffset(batch.lastOffset());
        await commitOffsetsIfNecessary(uncommittedOffsets());
      },
    });
    await stage.eventually(`${count} records read by ${groupId}`, async () =>
      offsets.length >= count ? true : undefined,
    );
    return { from: Math.min(...offsets), count: offsets.length };
  } finally {
    await consumer.disconnect();
  }
}

/** Lets the cleaner of the one broker, number 1, look twice a second instead of every 15 s. */
async function quickenCleaner(admin: Admin): Promise<void> {
  await alter(admin, kafkajs.ConfigResourceTypes.BROKER, '1', { 'log.cleaner.backoff.ms': '500' });
}

async function alter(admin: Admin, type: number, name: string, config: Readonly<Record<string, string>>) {
  const configEntries = Object.entries(config).map(([key, value]) => ({ name: key, value }));
  await admin.alterConfigs({ validateOnly: false, resources: [{ type, name, configEntries }] });
}
