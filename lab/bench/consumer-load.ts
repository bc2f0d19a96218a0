import { randomUUID } from 'node:crypto';
import { startConsumer } from '@walpost/kit/consumer/consumer';
import { createDecoder } from '@walpost/kit/contract/codec';
import { createRegistry } from '@walpost/kit/contract/registry';
import { openDatabase } from '@walpost/kit/postgres/database';
import { createLogger } from '@walpost/kit/telemetry/logger';
import { setting } from 'walpost/stack/settings';
import { contract } from '../../schemas/contract.generated.ts';
import { onOrderEvent } from '../../services/payment/on-order-event.ts';
import { openSql, quiet } from './database.ts';
import { openAdmin, openProducer, orderMessage } from './kafka.ts';
import { BenchError, type Place } from './measurement.ts';

/** The most events that the kit puts into one transaction. */
export const BATCH = 500;

const SENT_AT_ONCE = 1_000;

/** How a whole topic was acted on, from the first commit to the last. */
export interface Consumed {
  /** Events a second. */
  rate: number;
  /** What this process, which the consumers are part of, had of the CPU for each event, µs. */
  cpu: number;
}

/** The kit's consumer with the payment service's handler, on topics of its own. */
export interface ConsumerLoad {
  /** Makes a topic if it is not there, and writes order events to it. */
  fill(topic: string, partitions: number, events: number): Promise<void>;
  /** Empties what the handler writes, inbox included. */
  clean(): Promise<void>;
  /** Acts on all events of a topic as a new group of one member, which is in this process. */
  consume(topic: string, events: number): Promise<Consumed>;
}

export async function openConsumerLoad(place: Place): Promise<ConsumerLoad> {
  const { stack } = place;
  const sql = openSql(place, 'payments');
  const admin = await openAdmin(place);
  const producer = await openProducer(place);
  const registry = createRegistry({ url: setting(stack.env, 'SCHEMA_REGISTRY_URL') });
  const schemaId = await registry.idOf(contract.eventType('OrderCreated'));

  const load: ConsumerLoad = {
    async fill(topic, partitions, events) {
      await admin.createTopics({ topics: [{ topic, numPartitions: partitions }], waitForLeaders: true });
      for (let sent = 0; sent < events; sent += SENT_AT_ONCE) {
        const count = Math.min(SENT_AT_ONCE, events - sent);
        await producer.send({ topic, messages: Array.from({ length: count }, () => orderMessage(schemaId)) });
      }
    },

    async clean() {
      await quiet(sql);
      await sql`truncate payments, inbox`;
      await sql`checkpoint`;
    },

    async consume(topic, events) {
      let first: { at: number; cpu: NodeJS.CpuUsage; handled: number } | undefined;
      let handled = 0;
      let member: ReturnType<typeof startMember> | undefined;
      try {
        await new Promise<void>((resolve, reject) => {
          member = startMember(place, topic, `bench-${randomUUID()}`, (count) => {
            if (count === undefined) return reject(new BenchError('an event became a dead letter'));
            handled += count;
            first ??= { at: performance.now(), cpu: process.cpuUsage(), handled };
            if (handled >= events) resolve();
          });
        });
        if (!first) throw new Error('nothing was handled');
        const { user, system } = process.cpuUsage(first.cpu);
        const rest = events - first.handled;
        return { rate: (rest / (performance.now() - first.at)) * 1_000, cpu: (user + system) / rest };
      } finally {
        await member?.consumer.close();
        await member?.close();
      }
    },
  };
  // The payment service of the next measurement would make these payments, for orders that nobody placed.
  place.defer(() => load.clean());
  return load;
}

/** @param onHandled gets how many events were handled, undefined when one became a dead letter */
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
    decoder: createDecoder({
      contract,
      registry: createRegistry({ url: setting(env, 'SCHEMA_REGISTRY_URL') }),
    }),
    db,
    on: onOrderEvent(encode, () => new Date()),
    logger: createLogger('bench', 'silent'),
    batchSize: BATCH,
    onHandled: ({ handled, deadLetters }) => onHandled(deadLetters.length > 0 ? undefined : handled.length),
  });
  return { consumer, close };
}
