import { randomUUID } from 'node:crypto';
import type { IHeaders, Kafka } from 'kafkajs';
import pTimeout from 'p-timeout';
import { PLANTED, type TopicRecord } from './evidence.ts';

/** The headers that a check looks at: millions of records with all of theirs would not fit. */
const LOOKED_AT = ['ce_id', 'ce_type', 'ce_subject', 'aggregateversion', PLANTED];

/**
 * Reads all that is on a topic now, as a consumer of committed records sees it. Waits while a transaction is open.
 *
 * @throws the client's error, and one when the end is not reached within `seconds`
 */
export async function readTopic(kafka: Kafka, topic: string, seconds: number): Promise<TopicRecord[]> {
  const groupId = `faults-${randomUUID()}`;
  const admin = kafka.admin();
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 100 });
  const read: TopicRecord[] = [];
  try {
    await admin.connect();
    const ends = new Map(
      (await admin.fetchTopicOffsets(topic))
        .filter(({ high, low }) => high !== low)
        .map(({ partition, high }) => [partition, BigInt(high)]),
    );
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    const atEnds = new Promise<void>((resolve, reject) => {
      // The last offsets of a partition can be a transaction's marker, which no consumer is given.
      const reached = (partition: number, last: string) => {
        if (BigInt(last) + 1n >= (ends.get(partition) ?? 0n)) ends.delete(partition);
        if (ends.size === 0) resolve();
      };
      consumer.on(consumer.events.CRASH, ({ payload: { error } }) => reject(error));
      consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload: { partition, lastOffset } }) =>
        reached(partition, lastOffset),
      );
      if (ends.size === 0) resolve();
      consumer
        .run({
          autoCommit: false,
          eachBatch: async ({ batch }) => {
            for (const { key, value, headers, offset, timestamp } of batch.messages)
              read.push({
                partition: batch.partition,
                offset: BigInt(offset),
                at: Number(timestamp),
                key,
                value,
                headers: texts(headers),
              });
          },
        })
        .catch(reject);
    });
    const message = `${topic} could not be read to its end in ${seconds} s`;
    await pTimeout(atEnds, { milliseconds: seconds * 1000, message });
  } finally {
    await consumer.disconnect();
    await admin.disconnect();
  }
  return read;
}

function texts(headers: IHeaders | undefined): Record<string, string> {
  return Object.fromEntries(
    LOOKED_AT.flatMap((name) => {
      const value = headers?.[name];
      return value === undefined ? [] : [[name, String(Array.isArray(value) ? value.at(-1) : value)]];
    }),
  );
}
