import '../create-kafka.ts';
import { expect, test } from '@jest/globals';
import { isLeaderless, type Metadata } from '../bear-leaderless.ts';
import { insideKafkajs } from '../inside-kafkajs.ts';

interface Response {
  parse(answer: Metadata): Promise<Metadata>;
}
interface Cluster {
  prototype: { findLeaderForPartitions(topic: string, partitions: number[]): Record<string, number[]> };
}

/** An answer about one topic; each partition has an error or none, and a leader or none. */
const answer = (...partitions: [partitionErrorCode: number, leader: number][]) => ({
  topicMetadata: [
    {
      topicErrorCode: 0,
      topic: 'order-events',
      partitionMetadata: partitions.map(([partitionErrorCode, leader], partitionId) => ({
        partitionErrorCode,
        partitionId,
        leader,
      })),
    },
  ],
});

/** What kafkajs takes of an answer. */
async function taken(metadata: Metadata): Promise<readonly { leader: number }[] | undefined> {
  const response = insideKafkajs<Response>('protocol/requests/metadata/v6/response.js');
  return (await response?.parse(metadata))?.topicMetadata[0]?.partitionMetadata;
}

test.each<[string, ReturnType<typeof answer>, string | number[]]>([
  ['one without a leader', answer([0, 1], [5, -1], [0, 2]), [1, -1, 2]],
  ['all without a leader', answer([5, -1], [5, -1]), 'LEADER_NOT_AVAILABLE'],
  ['another error beside one without a leader', answer([5, -1], [72, 1]), 'LISTENER_NOT_FOUND'],
  ['all as it should be', answer([0, 1]), [1]],
])('kafkajs takes what it can of an answer with %s', async (_what, metadata, expected) => {
  const leaders = taken(metadata).then(
    (partitions) => partitions?.map(({ leader }) => leader),
    (error: { type: string }) => error.type,
  );
  expect(await leaders).toEqual(expected);
});

test('who has to ask all leaders of a topic is told which one is missing', async () => {
  const cluster = insideKafkajs<Cluster>('cluster/index.js');
  const partitions = await taken(answer([0, 1], [0, 2], [5, -1], [0, 1]));
  const find = (...wanted: number[]) =>
    cluster?.prototype.findLeaderForPartitions.call(
      { findTopicPartitionMetadata: () => partitions },
      'order-events',
      wanted,
    );
  expect(find(0, 1, 3)).toEqual({ 1: [0, 3], 2: [1] });
  expect(() => find(0, 1, 2, 3)).toThrow('order-events/2 has no leader');
});

test('a missing leader is distinguished from other errors', async () => {
  const errorOf = (code: number) => taken(answer([code, -1])).catch((error: unknown) => error);
  expect(isLeaderless(await errorOf(5))).toBe(true);
  expect(isLeaderless(await errorOf(72))).toBe(false);
  expect(isLeaderless(new Error('Kafka is away'))).toBe(false);
});
