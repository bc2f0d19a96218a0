import kafkajs, { type Admin, type Kafka, type Message, type Producer } from 'kafkajs';
import { v7 as uuidv7 } from 'uuid';
import { fetchComponents } from 'walpost/stack/fetch-components';
import { findJdk } from 'walpost/stack/find-jdk';
import { setting } from 'walpost/stack/settings';
import type { TestStack } from 'walpost/testing/test-stack';
import { contract } from '../../schemas/contract.generated.ts';
import { BenchError, type Place } from './measurement.ts';
import { orderCreated } from './sample-order.ts';

export function kafkaOf({ env }: TestStack): Kafka {
  const brokers = setting(env, 'KAFKA_BROKERS').split(',');
  return new kafkajs.Kafka({ clientId: 'bench', brokers, logLevel: kafkajs.logLevel.NOTHING });
}

/** Connected until the measurement is over. */
export async function openAdmin({ stack, defer }: Place): Promise<Admin> {
  const admin = kafkaOf(stack).admin();
  await admin.connect();
  defer(() => admin.disconnect());
  return admin;
}

/** Connected until the measurement is over; acks=all, and idempotent. */
export async function openProducer({ stack, defer }: Place): Promise<Producer> {
  const producer = kafkaOf(stack).producer({ idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  defer(() => producer.disconnect());
  return producer;
}

/** How many records were ever written to a topic, markers that end transactions included. */
export async function countRecords(admin: Admin, topic: string): Promise<number> {
  const offsets = await admin.fetchTopicOffsets(topic);
  return offsets.reduce((sum, { high }) => sum + Number(high), 0);
}

/** The event of a new order, with the headers that the relay gives it. */
export function orderMessage(schemaId: number): Message {
  const orderId = uuidv7();
  const id = uuidv7();
  return {
    key: orderId,
    value: orderCreated(orderId, schemaId),
    headers: {
      id,
      ce_id: id,
      ce_type: contract.eventType('OrderCreated').fullName,
      ce_source: '/walpost/order-service',
      ce_subject: orderId,
      ce_time: new Date().toISOString(),
      ce_specversion: '1.0',
      'content-type': 'application/avro',
      aggregateversion: '1',
      traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    },
  };
}

/**
 * Runs one of the programs that come with Kafka.
 *
 * @param tool its class in org.apache.kafka.tools
 * @returns what it printed
 * @throws {BenchError} it failed; with the last line of its complaint
 */
async function runKafkaTool(stack: TestStack, tool: string, args: readonly string[]): Promise<string> {
  const jdk = await findJdk(stack.env);
  const { kafka } = await fetchComponents(stack.env, jdk, () => undefined, undefined);
  const { code, stdout, stderr } = await stack.run(`${jdk.home}/bin/java`, [
    ...['-cp', `${kafka}/*`, `org.apache.kafka.tools.${tool}`],
    ...args,
  ]);
  if (code === 0) return stdout;
  throw new BenchError(`${tool} failed (exit ${code}): ${stderr.trim().split('\n').at(-1)}`);
}

/**
 * Reads a topic by Kafka's own `kafka-consumer-perf-test`.
 *
 * @returns records a second, from the first fetch on: joining the group is not in it
 */
export async function javaConsumerRate(stack: TestStack, topic: string, records: number): Promise<number> {
  const stdout = await runKafkaTool(stack, 'ConsumerPerformance', [
    ...['--hide-header', '--bootstrap-server', setting(stack.env, 'KAFKA_BROKERS'), '--topic', topic],
    ...['--num-records', String(records), '--timeout', '30000'],
  ]);
  // start.time, end.time, MB, MB/s, records, records/s, rebalance ms, fetch ms, fetch MB/s, fetch records/s
  const fields =
    stdout
      .split('\n')
      .find((line) => /^\d{4}-/.test(line))
      ?.split(',') ?? [];
  const rate = Number(fields[9]);
  if (rate > 0) return rate;
  throw new BenchError(`kafka-consumer-perf-test reported no rate: ${stdout.trim().split('\n').at(-1)}`);
}
