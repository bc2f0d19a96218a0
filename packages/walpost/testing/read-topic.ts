import { randomUUID } from 'node:crypto';
import { createKafka } from '@walpost/kit/kafka/create-kafka';
import type { Kafka, KafkaMessage } from '@walpost/kit/kafka/kafkajs';

export type Environment = Readonly<Record<string, string>>;

/** One variable of a stack's environment. */
export function setting(env: Environment, name: string): string {
  const value = env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
}

export function kafkaOf(env: Environment): Kafka {
  return createKafka({ brokers: setting(env, 'KAFKA_BROKERS').split(',') }, { clientId: 'test' });
}

/** Reads all that is on a topic now, in the order of each partition, as a consumer of committed records. */
export async function readTopic(
  env: Environment,
  topic: string,
): Promise<(KafkaMessage & { partition: number })[]> {
  const kafka = kafkaOf(env);
  const admin = kafka.admin();
  await admin.connect();
  const ends = await admin.fetchTopicOffsets(topic);
  await admin.disconnect();
  const open = new Set(ends.filter(({ high, low }) => high !== low).map(({ partition }) => partition));
  const read: (KafkaMessage & { partition: number })[] = [];
  const consumer = kafka.consumer({
    groupId: `test-${randomUUID()}`,
    maxWaitTimeInMs: 50,
    // One that crashed would start again by itself, after this call has failed and the stack is gone.
    retry: { restartOnFailure: () => Promise.resolve(false) },
  });
  const endOf = new Map(ends.map(({ partition, high }) => [partition, BigInt(high)]));
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  try {
    await new Promise<void>((resolve, reject) => {
      if (open.size === 0) resolve();
      consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
      // A partition can end with a transaction's marker, which no consumer is given: the client reports only its
      // batch.
      consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload: { partition, lastOffset } }) => {
        if (BigInt(lastOffset) + 1n >= (endOf.get(partition) ?? 0n)) open.delete(partition);
        if (open.size === 0) resolve();
      });
      consumer
        .run({
          eachBatchAutoResolve: true,
          eachBatch: async ({ batch }) => {
            for (const message of batch.messages) read.push({ ...message, partition: batch.partition });
          },
        })
        .catch(reject);
    });
  } finally {
    await consumer.disconnect();
  }
  return read;
}
