import { randomUUID } from 'node:crypto';
import { createKafka } from '@walpost/kit/kafka/create-kafka';
import type { Kafka, KafkaMessage } from '@walpost/kit/kafka/kafkajs';
import { openDriver, type Sql } from '@walpost/kit/postgres/open-driver';
import { eventually } from './eventually.ts';

export type Environment = Record<string, string>;

export { eventually };

/**
 * Does something. When it fails, the error also says what doctor finds wrong with the stack: nobody can ask it later.
 *
 * @param doctor runs it, and answers what it printed
 */
export async function explaining<T>(doctor: () => Promise<string>, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const said = (await doctor().catch(String)).split('\n').filter((line) => !line.startsWith('ok '));
    const { message, cause } = error as Error;
    const why = cause instanceof Error ? `: ${cause.message}` : '';
    throw new Error([`${message}${why}`, ...said].join('\n'), { cause: error });
  }
}

/** One variable of a stack's environment. */
export function setting(env: Environment, name: string): string {
  const value = env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
}

/** A superuser's connection to one of a stack's databases; the caller ends it. */
export function connectTo(env: Environment, database: string): Sql {
  return openDriver({
    host: '127.0.0.1',
    port: Number(setting(env, 'POSTGRES_PORT')),
    username: 'postgres',
    password: setting(env, 'POSTGRES_PASSWORD'),
    database,
    max: 2,
    onnotice: () => undefined,
  });
}

export function kafkaOf(env: Environment): Kafka {
  return createKafka({ brokers: setting(env, 'KAFKA_BROKERS').split(',') }, { clientId: 'test' });
}

/** Reads all that is on a topic now, in the order of each partition, as a consumer of committed records. */
export async function readTopic(
  env: Environment,
  topic: string,
): Promise<(KafkaMessage & { partition: number })[]> {
  const kafka = kafkaOf(env);
  const admin = kafka.admin();
  await admin.connect();
  const ends = await admin.fetchTopicOffsets(topic);
  await admin.disconnect();
  const open = new Set(ends.filter(({ high, low }) => high !== low).map(({ partition }) => partition));
  const read: (KafkaMessage & { partition: number })[] = [];
  const consumer = kafka.consumer({
    groupId: `test-${randomUUID()}`,
    maxWaitTimeInMs: 50,
    // One that crashed would start again by itself, after this call has failed and the stack is gone.
    retry: { restartOnFailure: () => Promise.resolve(false) },
  });
  const endOf = new Map(ends.map(({ partition, high }) => [partition, BigInt(high)]));
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  try {
    await new Promise<void>((resolve, reject) => {
      if (open.size === 0) resolve();
      consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
      // A partition can end with a transaction's marker, which no consumer is given: the client reports only its
      // batch.
      consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload: { partition, lastOffset } }) => {
        if (BigInt(lastOffset) + 1n >= (endOf.get(partition) ?? 0n)) open.delete(partition);
        if (open.size === 0) resolve();
      });
      consumer
        .run({
          eachBatchAutoResolve: true,
          eachBatch: async ({ batch }) => {
            for (const message of batch.messages) read.push({ ...message, partition: batch.partition });
          },
        })
        .catch(reject);
    });
  } finally {
    await consumer.disconnect();
  }
  return read;
}

export const SAMPLE_ORDER = {
  customerId: 'ada',
  currency: 'EUR',
  items: [{ sku: 'BOOK-1', quantity: 2, unitPrice: 1250 }],
};

export interface OrderView {
  id: string;
  status: string;
  totalAmount: number;
  cancellationReason?: string;
}

/** Calls the order API of a stack. */
export async function call(env: Environment, path: string, init?: RequestInit): Promise<Response> {
  return fetch(`http://127.0.0.1:${setting(env, 'ORDER_PORT')}${path}`, init);
}

/** Places an order and insists on 201. */
export async function placeOrder(env: Environment, order: object = SAMPLE_ORDER): Promise<OrderView> {
  const response = await call(env, '/orders', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(order),
  });
  if (response.status !== 201) throw new Error(`${response.status}: ${await response.text()}`);
  return (await response.json()) as OrderView;
}

/** Places many orders, several at a time. @returns their ids */
export async function placeOrders(
  env: Environment,
  count: number,
  order: object = SAMPLE_ORDER,
): Promise<string[]> {
  const ids: string[] = [];
  let left = count;
  const worker = async () => {
    while (left-- > 0) ids.push((await placeOrder(env, order)).id);
  };
  await Promise.all(Array.from({ length: 16 }, worker));
  return ids;
}

/** Waits until an order has ended, and gives it. */
export async function endOf(env: Environment, id: string, withinSeconds?: number): Promise<OrderView> {
  return eventually(async () => {
    const response = await call(env, `/orders/${id}`);
    if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
    const order = (await response.json()) as OrderView;
    return order.status === 'PENDING' ? undefined : order;
  }, withinSeconds);
}
