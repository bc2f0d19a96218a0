import type { TopicSpec } from '@walpost/kit/contract/topics';
import { type Admin, type PartitionMetadata, settingsOf } from '@walpost/kit/kafka/kafkajs';

export interface TopicDescription {
  readonly topic: string;
  readonly exists: boolean;
  readonly partitions: number;
  readonly replicationFactor: number;
  /** Node ids of the partitions' leaders, in the order of the partitions; -1 where there is none. */
  readonly leaders: readonly number[];
  /** Partitions with fewer replicas in sync than they have. */
  readonly underReplicated: number;
  /** Of the settings that are declared, what Kafka has. */
  readonly config: Readonly<Record<string, string>>;
}

/** Looks up how the declared topics are. */
export async function describeTopics(admin: Admin, specs: readonly TopicSpec[]): Promise<TopicDescription[]> {
  // One question about all topics: one about a topic whose partitions all lack a leader would be answered by an error.
  const { topics } = await admin.fetchTopicMetadata();
  const existing = new Map(topics.map(({ name, partitions }) => [name, partitions]));
  return Promise.all(
    specs.map((spec) => {
      const partitions = existing.get(spec.name);
      return partitions ? describeTopic(admin, spec, partitions) : missing(spec);
    }),
  );
}

async function describeTopic(
  admin: Admin,
  spec: TopicSpec,
  unordered: readonly PartitionMetadata[],
): Promise<TopicDescription> {
  const partitions = unordered.toSorted((a, b) => a.partitionId - b.partitionId);
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [settingsOf(spec.name, Object.keys(spec.config))],
  });
  const entries = resources[0]?.configEntries ?? [];
  return {
    topic: spec.name,
    exists: true,
    partitions: partitions.length,
    replicationFactor: Math.min(...partitions.map(({ replicas }) => replicas.length)),
    leaders: partitions.map(({ leader }) => leader),
    underReplicated: partitions.filter(({ replicas, isr }) => isr.length < replicas.length).length,
    config: Object.fromEntries(entries.map(({ configName, configValue }) => [configName, configValue])),
  };
}

function missing(spec: TopicSpec): TopicDescription {
  return {
    topic: spec.name,
    exists: false,
    partitions: 0,
    replicationFactor: 0,
    leaders: [],
    underReplicated: 0,
    config: {},
  };
}
