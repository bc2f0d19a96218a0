import { encode } from '@walpost/kit/contract/codec';
import { createRegistry } from '@walpost/kit/contract/registry';
import type { DatabaseOptions } from '@walpost/kit/postgres/database';
import kafkajs, {
  type Admin,
  type Consumer,
  type ConsumerConfig,
  type Kafka,
  type Message,
  type Producer,
} from 'kafkajs';
import postgres from 'postgres';
import { v7 as uuidv7 } from 'uuid';
import { contract } from '../../schemas/contract.generated.ts';
import type { Stage } from './stage.ts';

/** One variable of the stack's environment. */
export function setting({ stack }: Stage, name: string): string {
  const value = stack.env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
}

export const brokersOf = (stage: Stage) => setting(stage, 'KAFKA_BROKERS').split(',');

export function kafkaOf(stage: Stage): Kafka {
  const { NOTHING } = kafkajs.logLevel;
  return new kafkajs.Kafka({ clientId: 'scenario', brokers: brokersOf(stage), logLevel: NOTHING });
}

/** Connected until the scenario is over. */
export async function openAdmin(stage: Stage): Promise<Admin> {
  const admin = kafkaOf(stage).admin();
  await admin.connect();
  stage.defer(() => admin.disconnect());
  return admin;
}

/** Connected until the scenario is over; idempotent, so that a retry of its own adds no record. */
export async function openProducer(stage: Stage): Promise<Producer> {
  const producer = kafkaOf(stage).producer({ idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  stage.defer(() => producer.disconnect());
  return producer;
}

/** Kafka's own client, without a database behind it; connected until the scenario is over. */
export async function openConsumer(
  stage: Stage,
  groupId: string,
  options: Omit<ConsumerConfig, 'groupId'> = {},
): Promise<Consumer> {
  const consumer = kafkaOf(stage).consumer({ groupId, maxWaitTimeInMs: 100, ...options });
  await consumer.connect();
  stage.defer(() => consumer.disconnect());
  return consumer;
}

/** How many partitions of a topic each member of a group holds, the most first; none while the group rebalances. */
export async function sharesOf(admin: Admin, groupId: string, topic: string): Promise<number[]> {
  const { groups } = await admin.describeGroups([groupId]);
  const [group] = groups;
  if (group?.state !== 'Stable') return [];
  const counts = group.members.map(({ memberAssignment }) => {
    const decoded = kafkajs.AssignerProtocol.MemberAssignment.decode(memberAssignment);
    return decoded?.assignment[topic]?.length ?? 0;
  });
  return counts.sort((one, other) => other - one);
}

/** The offset that a group has committed for the first partition of a topic; -1 when it has committed none. */
export async function committedOf(admin: Admin, groupId: string, topic: string): Promise<number> {
  const [found] = await admin.fetchOffsets({ groupId, topics: [topic] });
  return Number(found?.partitions[0]?.offset);
}

/** What a program or a kit's pool needs to log in to one of the stack's databases. */
export function databaseOf(stage: Stage, database: string, user: string, password: string): DatabaseOptions {
  return {
    host: setting(stage, 'POSTGRES_HOST'),
    port: Number(setting(stage, 'POSTGRES_PORT')),
    database,
    user,
    password: setting(stage, password),
    applicationName: 'scenario',
  };
}

/** A superuser's connection to one of the stack's databases, until the scenario is over. */
export function openSql(stage: Stage, database: string): postgres.Sql {
  const sql = postgres({
    host: setting(stage, 'POSTGRES_HOST'),
    port: Number(setting(stage, 'POSTGRES_PORT')),
    username: 'postgres',
    password: setting(stage, 'POSTGRES_PASSWORD'),
    database,
    max: 1,
    onnotice: () => undefined,
  });
  stage.defer(() => sql.end());
  return sql;
}

/** Makes a topic and waits until it can be written to. */
export async function makeTopic(
  stage: Stage,
  admin: Admin,
  topic: string,
  numPartitions: number,
  config: Readonly<Record<string, string>> = {},
): Promise<void> {
  const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
  await admin.createTopics({ topics: [{ topic, numPartitions, configEntries }], waitForLeaders: false });
  await stage.eventually(`topic ${topic}`, () => admin.fetchTopicMetadata({ topics: [topic] }));
}

/** Makes order events as the order service's relay would post them; registers their schema first. */
export async function eventMaker(stage: Stage): Promise<(orderId: string, version: number) => Message> {
  const type = contract.eventType('OrderCreated');
  const schemaId = await createRegistry({ url: setting(stage, 'SCHEMA_REGISTRY_URL') }).register(type);
  return (orderId, version) => ({
    key: orderId,
    value: encode(schemaId, type, {
      orderId,
      customerId: 'ada',
      currency: 'EUR',
      items: [],
      totalAmount: 0,
      createdAt: Date.now(),
    }),
    headers: { ce_id: uuidv7(), aggregateversion: String(version) },
  });
}

/** The names `order-01`, `order-02` … */
export function orderNames(count: number): string[] {
  return Array.from({ length: count }, (_each, at) => `order-${String(at + 1).padStart(2, '0')}`);
}
