import kafkajs, { type Admin } from 'kafkajs';

// What everybody else uses of the client library, so that it is imported in this room only. Clients: create-kafka.ts.
export type {
  Admin,
  Batch,
  Consumer,
  ConsumerRunConfig,
  EachBatchPayload,
  IHeaders,
  Kafka,
  KafkaMessage,
  PartitionMetadata,
} from 'kafkajs';

/** Kafka's numbers for a group that still has a member, and for one that is not there. */
const NON_EMPTY_GROUP = 68;
const GROUP_ID_NOT_FOUND = 69;

const partitionBy = kafkajs.Partitioners.DefaultPartitioner();

/** The partition of a key, as Kafka's own producers choose it. */
export function partitionOf(topic: string, key: string, count: number): number {
  const partitionMetadata = Array.from({ length: count }, (_, partitionId) => ({
    partitionErrorCode: 0,
    partitionId,
    leader: 0,
    replicas: [],
    isr: [],
  }));
  return partitionBy({ topic, partitionMetadata, message: { key, value: null } });
}

/** Names the settings of a topic, all of them when none is named, for requests of the admin client. */
export function settingsOf(topic: string, names?: string[]) {
  const type = kafkajs.ConfigResourceTypes.TOPIC;
  return { type, name: topic, ...(names && { configNames: names }) };
}

/** The partitions that a member of a group of consumers has been given; none while the group rebalances. */
export function decodeAssignment(bytes: Buffer): { topic: string; partitions: number[] }[] {
  const decoded = bytes.length === 0 ? null : kafkajs.AssignerProtocol.MemberAssignment.decode(bytes);
  return Object.entries(decoded?.assignment ?? {}).map(([topic, partitions]) => ({ topic, partitions }));
}

/** Deletes a group of nobody's. One that is gone already, or has a member yet, is left to Kafka, which removes it itself. */
export async function deleteGroup(admin: Admin, groupId: string): Promise<void> {
  try {
    await admin.deleteGroups([groupId]);
  } catch (error) {
    if (!(error instanceof kafkajs.KafkaJSDeleteGroupsError)) throw error;
    const harmless = [GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP];
    if (error.groups.some(({ errorCode }) => errorCode === undefined || !harmless.includes(errorCode)))
      throw error;
  }
}

/** Whether Kafka has answered, by a refusal. */
export function isRefusal(error: unknown): boolean {
  return error instanceof kafkajs.KafkaJSProtocolError;
}
