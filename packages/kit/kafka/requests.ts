import kafkajs, { type Broker, type Cluster, type Kafka } from 'kafkajs';
import { retry } from '../retry.ts';
import { Reader, Writer } from './wire.ts';

/** A group as the broker that coordinates it lists it. */
export interface ListedGroup {
  readonly group: string;
  /** `classic`, `consumer` (KIP-848), `share`, `streams`, or what a later Kafka calls it. */
  readonly type: string;
  /** `Stable`, `Empty`, `Dead` … */
  readonly state: string;
}

/** A member of a group of the new protocol. */
export interface GroupMember {
  readonly memberId: string;
  readonly clientHost: string;
  readonly assignment: readonly { readonly topic: string; readonly partitions: readonly number[] }[];
}

/** A transaction that is open in a partition: nobody who reads committed records gets past its first offset. */
export interface OpenTransaction {
  readonly topic: string;
  readonly partition: number;
  /** Text, as offsets are: 64 bits. */
  readonly from: string;
  readonly producerId: string;
  readonly producerEpoch: number;
  /** When it wrote last, ms. */
  readonly lastWrite: number;
  /** Null when no coordinator knows its producer. */
  readonly transactionalId: string | null;
  /** Its coordinator has none open, so that nobody will ever end it; see decision 0016. */
  readonly hanging: boolean;
  /** When it began, ms; the coordinator knows. */
  readonly since: number | null;
}

/** What kafkajs 2.2.4 does not ask. */
export interface KafkaRequests {
  /** All groups of all protocols. */
  listGroups(): Promise<ListedGroup[]>;
  /** The members of a group of type `consumer`. */
  membersOf(group: string): Promise<GroupMember[]>;
  /**
   * Sets offsets of a group without being its member, which Kafka refuses while the group has one.
   * @throws the client's error, of type UNKNOWN_MEMBER_ID or the like when there is a member
   */
  commit(group: string, topic: string, offsets: readonly PartitionOffset[]): Promise<void>;
  /** The ends of partitions, open transactions included. kafkajs's own `high` is where reading committed records ends. */
  highWatermarks(topic: string, partitions: readonly number[]): Promise<ReadonlyMap<number, bigint>>;
  /** The open transactions in partitions, the first of each partition first. */
  openTransactions(topic: string, partitions: readonly number[]): Promise<OpenTransaction[]>;
  close(): Promise<void>;
}

export interface PartitionOffset {
  readonly partition: number;
  readonly offset: string;
}

/** What kafkajs's own classes can do, and their types do not say. */
interface AskableBroker extends Broker {
  connectionPool: { send<T>(request: object): Promise<T> };
  offsetCommit(request: object): Promise<unknown>;
}
type AskableCluster = Omit<Cluster, 'findBroker' | 'findGroupCoordinator'> & {
  findBroker(node: { nodeId: string }): Promise<AskableBroker>;
  findGroupCoordinator(of: { groupId: string; coordinatorType?: number }): Promise<AskableBroker>;
};

const READ_UNCOMMITTED = 0;
const TRANSACTION_COORDINATOR = 1;
/** `ListOffsets` at this time returns the end. */
const LATEST = -1;

/** COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR. */
const COORDINATOR_NOT_READY: readonly number[] = [14, 15, 16];
/** How long a coordinator may not be ready, s. */
const NOT_NOW = 15;

/** What a coordinator calls a transaction that it will end, by itself after its time or when it is told. */
const UNDER_WAY: readonly string[] = ['Ongoing', 'PrepareCommit', 'PrepareAbort'];

const LIST_GROUPS = { apiKey: 16, apiName: 'ListGroups', apiVersion: 5 };
const DESCRIBE_PRODUCERS = { apiKey: 61, apiName: 'DescribeProducers', apiVersion: 0 };
const DESCRIBE_TRANSACTIONS = { apiKey: 65, apiName: 'DescribeTransactions', apiVersion: 0 };
const LIST_TRANSACTIONS = { apiKey: 66, apiName: 'ListTransactions', apiVersion: 0 };
const CONSUMER_GROUP_DESCRIBE = { apiKey: 69, apiName: 'ConsumerGroupDescribe', apiVersion: 0 };
type Api = typeof LIST_GROUPS;

/**
 * Asks Kafka what kafkajs has no words for, over kafkajs's own connections, which know how to log in.
 * @throws the client's error when Kafka is away
 */
export async function openRequests(kafka: Kafka): Promise<KafkaRequests> {
  const cluster = clusterOf(kafka);
  try {
    await cluster.connect();
    await cluster.refreshMetadata();
  } catch (error) {
    await cluster.disconnect();
    throw error;
  }

  const everywhere = async <T>(ask: (broker: AskableBroker) => Promise<T[]>): Promise<T[]> => {
    const brokers = cluster.getNodeIds().map((nodeId) => cluster.findBroker({ nodeId: String(nodeId) }));
    return (await Promise.all((await Promise.all(brokers)).map(ask))).flat();
  };
  /** Asks the leader of each partition. */
  const leaders = async <T>(
    topic: string,
    partitions: readonly number[],
    ask: (broker: AskableBroker, own: number[]) => Promise<T[]>,
  ): Promise<T[]> => {
    await cluster.addTargetTopic(topic);
    await cluster.refreshMetadataIfNecessary();
    const byLeader = Object.entries(cluster.findLeaderForPartitions(topic, [...partitions]));
    const found = byLeader.map(async ([nodeId, own]) => ask(await cluster.findBroker({ nodeId }), own));
    return (await Promise.all(found)).flat();
  };

  return {
    listGroups: () => whenReady(() => everywhere(listGroups)),
    membersOf: (group) =>
      whenReady(async () => membersOf(await cluster.findGroupCoordinator({ groupId: group }), group)),
    async commit(groupId, topic, offsets) {
      const partitions = offsets.map(({ partition, offset }) => ({ partition, offset, metadata: '' }));
      const fromOutside = { groupId, groupGenerationId: -1, memberId: '', topics: [{ topic, partitions }] };
      await whenReady(async () =>
        (await cluster.findGroupCoordinator({ groupId })).offsetCommit(fromOutside),
      );
    },
    async highWatermarks(topic, partitions) {
      await cluster.addTargetTopic(topic);
      await cluster.refreshMetadataIfNecessary();
      const wanted = partitions.map((partition) => ({ partition }));
      const [found] = await cluster.fetchTopicsOffset([{ topic, partitions: wanted, fromTimestamp: LATEST }]);
      return new Map(found?.partitions.map(({ partition, offset }) => [partition, BigInt(offset)]));
    },
    async openTransactions(topic, partitions) {
      const open = await leaders(topic, partitions, (broker, own) => describeProducers(broker, topic, own));
      if (open.length === 0) return [];
      const listed = await everywhere(listTransactions);
      const known = await Promise.all(
        open.map(async ({ producerId, from, ...rest }) => {
          const own = listed.find((each) => each.producerId === producerId);
          const since = own ? await startOf(cluster, own.transactionalId) : null;
          return {
            ...rest,
            topic,
            from: from.toString(),
            producerId: producerId.toString(),
            transactionalId: own?.transactionalId ?? null,
            hanging: !own || !UNDER_WAY.includes(own.state),
            since,
          };
        }),
      );
      return known.sort((a, b) => a.partition - b.partition || Number(BigInt(a.from) - BigInt(b.from)));
    },
    close: () => cluster.disconnect(),
  };
}

/** kafkajs keeps its cluster to itself. One of our own logs in and finds brokers in the same way as all others. */
function clusterOf(kafka: Kafka): AskableCluster {
  const name = 'private:Kafka:createCluster';
  const key = Object.getOwnPropertySymbols(kafka).find(({ description }) => description === name);
  const create = key && (kafka as unknown as Record<symbol, unknown>)[key];
  if (typeof create !== 'function') throw new Error(`kafkajs has no ${name} any more; 2.2.4 has`);
  return create({ allowAutoTopicCreation: false, isolationLevel: READ_UNCOMMITTED, metadataMaxAge: 5_000 });
}

/** One request of the newer kind, with its header's and its own empty tagged fields. */
async function send<T>(
  broker: AskableBroker,
  api: Api,
  body: Writer,
  read: (reader: Reader) => T,
): Promise<T> {
  const bytes = Buffer.concat([new Writer().end().taken(), body.end().taken()]);
  return broker.connectionPool.send({
    // What kafkajs's encoder looks like to those who send it.
    request: { ...api, encode: async () => ({ buf: bytes, buffer: bytes }) },
    response: {
      decode: async (answer: Buffer) => answer,
      parse: async (answer: Buffer) => {
        const reader = new Reader(answer);
        reader.end();
        reader.int32(); // how long to wait with the next request
        return read(reader);
      },
    },
  });
}

/** @throws the client's error, retriable when the coordinator is not ready or another */
function refuse(code: number, what: string): void {
  if (code === 0) return;
  const retriable = COORDINATOR_NOT_READY.includes(code);
  throw new kafkajs.KafkaJSError(`${what}: Kafka answers error ${code}`, { retriable });
}

/** Repeats a request for as long as Kafka answers "not now", as it does while a broker loads its groups. */
export function whenReady<T>(request: () => Promise<T>): Promise<T> {
  const retryable = (error: unknown) => error instanceof kafkajs.KafkaJSError && error.retriable;
  return retry(request, { seconds: NOT_NOW, retryable });
}

function listGroups(broker: AskableBroker): Promise<ListedGroup[]> {
  const body = new Writer().array([], () => undefined).array([], () => undefined);
  return send(broker, LIST_GROUPS, body, (reader) => {
    refuse(reader.int16(), 'the groups');
    return reader.array(() => {
      const group = reader.string();
      reader.string(); // protocol type
      const state = reader.string();
      // Lower case before 4.0, capitals since.
      const type = reader.string().toLowerCase();
      reader.end();
      return { group, type, state };
    });
  });
}

function membersOf(broker: AskableBroker, group: string): Promise<GroupMember[]> {
  const body = new Writer().array([group], (writer, name) => writer.string(name)).bool(false);
  return send(broker, CONSUMER_GROUP_DESCRIBE, body, (reader) =>
    reader
      .array(() => {
        refuse(reader.int16(), `group ${group}`);
        reader.string(); // error
        reader.string(); // group
        reader.string(); // state
        reader.int32(); // epoch
        reader.int32(); // epoch of the assignment
        reader.string(); // assignor
        const members = reader.array(() => {
          const memberId = reader.string();
          reader.string(); // instance
          reader.string(); // rack
          reader.int32(); // epoch
          reader.string(); // client
          const clientHost = reader.string();
          reader.array(() => reader.string()); // topics
          reader.string(); // topics by pattern
          const assignment = readAssignment(reader);
          readAssignment(reader); // the one to come
          reader.end();
          return { memberId, clientHost, assignment };
        });
        reader.int32(); // operations
        reader.end();
        return members;
      })
      .flat(),
  );
}

function readAssignment(reader: Reader): GroupMember['assignment'] {
  const assignment = reader.array(() => {
    reader.uuid();
    const topic = reader.string();
    const partitions = reader.array(() => reader.int32());
    reader.end();
    return { topic, partitions };
  });
  reader.end();
  return assignment;
}

/** Producers of a leader's partitions that have a transaction open. */
function describeProducers(broker: AskableBroker, topic: string, partitions: number[]) {
  const body = new Writer().array([topic], (writer, name) =>
    writer
      .string(name)
      .array(partitions, (each, partition) => each.int32(partition))
      .end(),
  );
  return send(broker, DESCRIBE_PRODUCERS, body, (reader) =>
    reader
      .array(() => {
        reader.string();
        const found = reader.array(() => readProducers(reader, topic));
        reader.end();
        return found.flat();
      })
      .flat(),
  );
}

function readProducers(reader: Reader, topic: string) {
  const partition = reader.int32();
  refuse(reader.int16(), `producers of ${topic}/${partition}`);
  reader.string(); // error
  const producers = reader.array(() => {
    const producerId = reader.int64();
    const producerEpoch = reader.int32();
    reader.int32(); // sequence
    const lastWrite = Number(reader.int64());
    reader.int32(); // epoch of the coordinator
    const from = reader.int64();
    reader.end();
    return { partition, from, producerId, producerEpoch, lastWrite };
  });
  reader.end();
  return producers.filter(({ from }) => from >= 0n);
}

function listTransactions(broker: AskableBroker) {
  const body = new Writer().array([], () => undefined).array([], () => undefined);
  return send(broker, LIST_TRANSACTIONS, body, (reader) => {
    refuse(reader.int16(), 'the transactions');
    reader.array(() => reader.string()); // states that it does not know
    return reader.array(() => {
      const transactionalId = reader.string();
      const producerId = reader.int64();
      const state = reader.string();
      reader.end();
      return { transactionalId, producerId, state };
    });
  });
}

/** When a transaction began, ms; null when its coordinator has none open by now. */
async function startOf(cluster: AskableCluster, transactionalId: string): Promise<number | null> {
  const coordinator = await cluster.findGroupCoordinator({
    groupId: transactionalId,
    coordinatorType: TRANSACTION_COORDINATOR,
  });
  const body = new Writer().array([transactionalId], (writer, id) => writer.string(id));
  return send(coordinator, DESCRIBE_TRANSACTIONS, body, (reader) => {
    const [start] = reader.array(() => {
      const error = reader.int16();
      reader.string(); // transactional id
      reader.string(); // state
      reader.int32(); // timeout
      const began = reader.int64();
      reader.int64(); // producer
      reader.int16(); // its epoch
      reader.array(() => {
        reader.string();
        reader.array(() => reader.int32());
        reader.end();
      });
      reader.end();
      return error === 0 && began > 0n ? Number(began) : null;
    });
    return start ?? null;
  });
}
