import { randomUUID } from 'node:crypto';
import { type RunningConsumer, startConsumer } from '@walpost/kit/consumer';
import { openDatabase } from '@walpost/kit/database';
import { createLogger } from '@walpost/kit/logger';
import { setting } from '@walpost/native/settings';
import { onOrderEvent } from '@walpost/payment-service/on-order-event';
import { createDecoder } from '@walpost/schemas/codec';
import { eventType } from '@walpost/schemas/contract';
import { createRegistry } from '@walpost/schemas/registry';
import type { PartitionOffset } from 'kafkajs';
import { openSql, quiet } from './database.js';
import { openAdmin, openProducer, orderMessage } from './kafka.js';
import { BenchError, type Place } from './measurement.js';

/** What the kit has: events in one transaction, and transactions side by side. */
export const BATCH = 500;
export const SIDE_BY_SIDE = 3;

const SENT_AT_ONCE = 1_000;

/** How a whole topic was acted on, from the first commit to the last. */
export interface Consumed {
  /** Events a second. */
  rate: number;
  /** What this process, which the consumers are part of, had of the CPU for each event, µs. */
  cpu: number;
}

export interface ConsumeOptions {
  /** Of the group, 1 when not given. */
  members?: number;
  /** Where the events begin, at the topic's beginning when not given. */
  from?: PartitionOffset[];
}

/** The kit's consumer with the payment service's handler, on topics of its own. */
export interface ConsumerLoad {
  /** Makes a topic if it is not there, and writes order events to it. @returns where they begin */
  fill(topic: string, partitions: number, events: number): Promise<PartitionOffset[]>;
  /** Empties what the handler writes, inbox included, or only its rows of one topic. */
  clean(topic?: string): Promise<void>;
  /** Acts on the last events of a topic as a new group, whose members are all in this process. */
  consume(topic: string, events: number, options?: ConsumeOptions): Promise<Consumed>;
}

export async function openConsumerLoad(place: Place): Promise<ConsumerLoad> {
  const { stack } = place;
  const sql = openSql(place, 'payments');
  const admin = await openAdmin(place);
  const producer = await openProducer(place);
  const registry = createRegistry({ url: setting(stack.env, 'SCHEMA_REGISTRY_URL') });
  const schemaId = await registry.idOf(eventType('OrderCreated'));

  const load: ConsumerLoad = {
    async fill(topic, partitions, events) {
      await admin.createTopics({ topics: [{ topic, numPartitions: partitions }], waitForLeaders: true });
      const begin = new Map<number, string>();
      for (let sent = 0; sent < events; sent += SENT_AT_ONCE) {
        const count = Math.min(SENT_AT_ONCE, events - sent);
        const messages = Array.from({ length: count }, () => orderMessage(schemaId));
        for (const { partition, baseOffset } of await producer.send({ topic, messages })) {
          if (baseOffset === undefined) throw new BenchError(`Kafka did not say where ${topic} goes on`);
          if (!begin.has(partition)) begin.set(partition, baseOffset);
        }
      }
      return [...begin].map(([partition, offset]) => ({ partition, offset }));
    },

    async clean(topic) {
      await quiet(sql);
      await sql`truncate payments`;
      if (topic === undefined) await sql`truncate inbox`;
      else await sql`delete from inbox where topic = ${topic}`;
      await sql`checkpoint`;
    },

    async consume(topic, events, { members = 1, from } = {}) {
      const groupId = `bench-${randomUUID()}`;
      if (from) await admin.setOffsets({ groupId, topic, partitions: from });
      const running: { consumer: RunningConsumer; close: () => Promise<void> }[] = [];
      let first: { at: number; cpu: NodeJS.CpuUsage; handled: number } | undefined;
      let handled = 0;
      try {
        await new Promise<void>((resolve, reject) => {
          for (let member = 0; member < members; member++) {
            running.push(
              startMember(place, topic, groupId, (count) => {
                if (count === undefined) return reject(new BenchError('an event became a dead letter'));
                handled += count;
                first ??= { at: performance.now(), cpu: process.cpuUsage(), handled };
                if (handled >= events) resolve();
              }),
            );
          }
        });
        if (!first) throw new Error('nothing was handled');
        const { user, system } = process.cpuUsage(first.cpu);
        const rest = events - first.handled;
        return { rate: (rest / (performance.now() - first.at)) * 1_000, cpu: (user + system) / rest };
      } finally {
        for (const { consumer, close } of running) {
          await consumer.close();
          await close();
        }
      }
    },
  };
  // The payment service of the next measurement would make these payments, for orders that nobody placed.
  place.defer(() => load.clean());
  return load;
}

/** @param onHandled told how many events were handled, undefined when one became a dead letter */
function startMember(
  { stack: { env } }: Place,
  topic: string,
  groupId: string,
  onHandled: (count: number | undefined) => void,
) {
  const { db, close } = openDatabase({
    host: setting(env, 'POSTGRES_HOST'),
    port: Number(setting(env, 'POSTGRES_PORT')),
    database: 'payments',
    user: 'payments_app',
    password: setting(env, 'PAYMENTS_PASSWORD'),
    applicationName: 'bench',
  });
  const encode = () => {
    throw new BenchError('no event of this topic makes the payment service publish');
  };
  const consumer = startConsumer({
    kafka: { brokers: setting(env, 'KAFKA_BROKERS').split(',') },
    groupId,
    topics: [topic],
    decoder: createDecoder({ registry: createRegistry({ url: setting(env, 'SCHEMA_REGISTRY_URL') }) }),
    db,
    handlers: onOrderEvent(encode, () => new Date()),
    ignores: [],
    logger: createLogger('bench', 'silent'),
    batchSize: BATCH,
    concurrency: SIDE_BY_SIDE,
    onHandled: ({ handled, letters }) => onHandled(letters.length > 0 ? undefined : handled.length),
  });
  return { consumer, close };
}
