import { startFetching } from '@walpost/kit/observe/start-fetching';
import type { Kafka } from 'kafkajs';

/**
 * Sets the offsets of a group that has no members, as its only member for a moment. The library's own `setOffsets` does
 * the same and takes five seconds for it.
 * @throws the client's error when the group cannot be joined, or another member joins meanwhile
 */
export async function commitOffsets(
  kafka: Kafka,
  groupId: string,
  topic: string,
  offsets: readonly { partition: number; offset: string }[],
): Promise<void> {
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 100 });
  try {
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    // It is there to write, not to read.
    consumer.on(consumer.events.GROUP_JOIN, () => consumer.pause([{ topic }]));
    await startFetching(consumer, { eachMessage: async () => undefined });
    await consumer.commitOffsets(offsets.map((each) => ({ topic, ...each })));
  } finally {
    await consumer.disconnect();
  }
}
