import { randomUUID } from 'node:crypto';
import { startConsumer } from '@walpost/kit/consumer';
import { openDatabase } from '@walpost/kit/database';
import { createLogger } from '@walpost/kit/logger';
import { setting } from '@walpost/native/settings';
import { onOrderEvent } from '@walpost/payment-service/on-order-event';
import { createDecoder } from '@walpost/schemas/codec';
import { eventType } from '@walpost/schemas/contract';
import { createRegistry } from '@walpost/schemas/registry';
import type postgres from 'postgres';
import { openSql, quiet } from './database.js';
import { javaConsumerRate, openAdmin, openProducer, orderMessage } from './kafka.js';
import { type Bench, BenchError, type Measurement } from './measurement.js';
import { STREAM_PARTS } from './parts.js';
import { pgbench } from './pgbench.js';

const TOPIC = 'bench-consumer';
const PARTITIONS = 6;
/** What the kit has: events in one transaction, and transactions side by side. */
const BATCH = 500;
const SIDE_BY_SIDE = 3;

/** How many events a second a service acts on, inbox and effect in one transaction. */
export const consumer: Measurement = {
  name: 'consumer',
  summary:
    'the kit with the payment service’s handler, against its statements by pgbench, and a plain Java reader',
  parts: STREAM_PARTS,
  run,
};

async function run(bench: Bench): Promise<void> {
  const { stack, quick, say, compare } = bench;
  const events = quick ? 20_000 : 100_000;
  say(`writing ${events} events`);
  await fill(bench, events);
  const sql = openSql(bench, 'payments');
  const password = setting(stack.env, 'PAYMENTS_PASSWORD');
  await consume(bench, sql, events);

  await compare({
    title: `${events} events`,
    metrics: [{ name: 'rate', unit: 'events/s', better: 'more' }],
    subject: {
      label: 'kit, inbox and payment',
      sample: async () => ({ rate: await consume(bench, sql, events) }),
    },
    references: [
      {
        label: 'pgbench, the same statements',
        goals: { rate: '0.6 (stretch 0.8)' },
        async sample() {
          await clean(sql);
          const transactions = await pgbench(stack, {
            database: 'payments',
            user: 'payments_app',
            password,
            clients: SIDE_BY_SIDE,
            seconds: quick ? 2 : 4,
            script: STATEMENTS,
          });
          return { rate: BATCH * transactions };
        },
      },
      {
        label: 'kafka-consumer-perf-test, no effect',
        goals: { rate: '0.02' },
        sample: async () => ({ rate: await javaConsumerRate(stack, TOPIC, events) }),
      },
    ],
  });
}

async function fill(bench: Bench, events: number): Promise<void> {
  const admin = await openAdmin(bench);
  await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: PARTITIONS }], waitForLeaders: true });
  const registry = createRegistry({ url: setting(bench.stack.env, 'SCHEMA_REGISTRY_URL') });
  const schemaId = await registry.idOf(eventType('OrderCreated'));
  const producer = await openProducer(bench);
  for (let sent = 0; sent < events; sent += 5_000) {
    const messages = Array.from({ length: Math.min(5_000, events - sent) }, () => orderMessage(schemaId));
    await producer.send({ topic: TOPIC, messages });
  }
}

async function clean(sql: postgres.Sql): Promise<void> {
  await quiet(sql);
  await sql`truncate inbox, payments`;
  await sql`checkpoint`;
}

/** Acts on the whole topic as a group of its own. @returns events a second, from the first commit to the last */
async function consume({ stack }: Bench, sql: postgres.Sql, events: number): Promise<number> {
  await clean(sql);
  const database = openDatabase({
    host: setting(stack.env, 'POSTGRES_HOST'),
    port: Number(setting(stack.env, 'POSTGRES_PORT')),
    database: 'payments',
    user: 'payments_app',
    password: setting(stack.env, 'PAYMENTS_PASSWORD'),
    applicationName: 'bench',
  });
  let first: { at: number; handled: number } | undefined;
  let handled = 0;
  let running: ReturnType<typeof startConsumer> | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      const encode = () => {
        throw new BenchError('no event of this topic makes the payment service publish');
      };
      running = startConsumer({
        kafka: { brokers: setting(stack.env, 'KAFKA_BROKERS').split(',') },
        groupId: `bench-${randomUUID()}`,
        topics: [TOPIC],
        decoder: createDecoder({
          registry: createRegistry({ url: setting(stack.env, 'SCHEMA_REGISTRY_URL') }),
        }),
        db: database.db,
        handlers: onOrderEvent(encode, () => new Date()),
        ignores: [],
        logger: createLogger('bench', 'silent'),
        batchSize: BATCH,
        concurrency: SIDE_BY_SIDE,
        onHandled: (result) => {
          handled += result.handled.length;
          first ??= { at: performance.now(), handled };
          if (result.letters.length > 0) reject(new BenchError('an event became a dead letter'));
          if (handled >= events) resolve();
        },
      });
    });
    if (!first) throw new Error('nothing was handled');
    return ((events - first.handled) / (performance.now() - first.at)) * 1_000;
  } finally {
    await running?.close();
    await database.close();
  }
}

const keys = `any(array(select uuidv7()::text from generate_series(1, ${BATCH})))`;

/** What the kit and the handler send for a batch, with rows that the server makes up instead of receiving them. */
const STATEMENTS = `begin;
select key, max(version) from inbox where topic = '${TOPIC}' and key = ${keys} group by key;
insert into inbox select uuidv7(), '${TOPIC}', uuidv7()::text, 1, now() from generate_series(1, ${BATCH})
  on conflict do nothing returning event_id;
select key from dead_letters where state in ('dead', 'parked') and topic = '${TOPIC}' and key = ${keys} for share;
insert into payments (id, order_id, customer_id, amount, currency, traceparent, status, version, next_attempt_at,
  created_at, updated_at)
  select uuidv7(), uuidv7(), 'ada', 3499, 'EUR', '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    'REQUESTED', 0, now(), now(), now() from generate_series(1, ${BATCH})
  on conflict (order_id) do nothing;
commit;
`;
