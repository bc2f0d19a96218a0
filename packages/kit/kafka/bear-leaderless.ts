import kafkajs from 'kafkajs';
import { beforeParsing, insideKafkajs } from './inside-kafkajs.ts';

/** What is used of an answer to Metadata. */
export interface Metadata {
  readonly topicMetadata: readonly {
    readonly topic: string;
    readonly partitionMetadata: readonly MetadataPartition[];
  }[];
}

interface MetadataPartition {
  readonly partitionId: number;
  partitionErrorCode: number;
  /** -1 when there is none. */
  readonly leader: number;
}

/** What is used of kafkajs's view of a cluster, and of the offsets of a member of a group. */
interface Cluster {
  findTopicPartitionMetadata(topic: string): readonly MetadataPartition[];
  findLeaderForPartitions(topic: string, partitions: readonly number[]): Record<string, number[]>;
}
interface Offsets {
  readonly cluster: Cluster;
  readonly memberAssignment: Readonly<Record<string, readonly number[]>>;
  resolveOffsets(): Promise<void>;
}

const LEADER_NOT_AVAILABLE = { type: 'LEADER_NOT_AVAILABLE', code: 5, retriable: true };

/**
 * Has kafkajs do without a partition that has no leader for as long as that lasts. By itself it takes the whole answer of
 * a broker for an error then, so that nothing is read of any other partition either.
 */
export function bearLeaderless(): void {
  // As every broker since 2.1 is asked.
  beforeParsing<Metadata>('metadata/v6', ({ topicMetadata }) => {
    const partitions = topicMetadata.flatMap(({ partitionMetadata }) => partitionMetadata);
    // Where none has a leader, as on a broker that is only starting, there is nothing to read: kafkajs asks again.
    if (partitions.every(({ leader }) => leader < 0)) return;
    for (const partition of partitions) {
      if (partition.partitionErrorCode === LEADER_NOT_AVAILABLE.code) partition.partitionErrorCode = 0;
    }
  });

  // Who has to ask all leaders, e.g. how far a topic reaches, is told so, and not that there is no broker -1.
  const cluster = insideKafkajs<{ prototype: Cluster }>('cluster/index.js')?.prototype;
  if (cluster) {
    const find = cluster.findLeaderForPartitions;
    cluster.findLeaderForPartitions = function (topic, partitions) {
      const { [-1]: [leaderless] = [], ...found } = find.call(this, topic, partitions);
      if (leaderless === undefined) return found;
      const error = new Error(`${topic}/${leaderless} has no leader`);
      throw new kafkajs.KafkaJSProtocolError(Object.assign(error, LEADER_NOT_AVAILABLE));
    };
  }

  // A member finds out where to begin for all its partitions at once; kafkajs does so again for those that are left out.
  const offsets = insideKafkajs<{ prototype: Offsets }>('consumer/offsetManager/index.js')?.prototype;
  if (offsets) {
    const resolve = offsets.resolveOffsets;
    offsets.resolveOffsets = function () {
      const led = Object.entries(this.memberAssignment).map(([topic, partitions]) => {
        const known = this.cluster.findTopicPartitionMetadata(topic);
        const without = new Set(known.filter(({ leader }) => leader < 0).map((each) => each.partitionId));
        return [topic, partitions.filter((partition) => !without.has(partition))];
      });
      return resolve.call(Object.create(this, { memberAssignment: { value: Object.fromEntries(led) } }));
    };
  }
}

/** Whether what was asked for is not known because a partition has no leader. */
export function isLeaderless(error: unknown): boolean {
  const last = error instanceof kafkajs.KafkaJSNumberOfRetriesExceeded ? error.cause : error;
  return last instanceof kafkajs.KafkaJSProtocolError && last.type === LEADER_NOT_AVAILABLE.type;
}
