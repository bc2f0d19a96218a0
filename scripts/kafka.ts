import { reason } from '@walpost/schemas/errors';
import kafkajs, { type Admin, type Kafka } from 'kafkajs';
import { CliError } from './cli-error.js';
import type { Config } from './config.js';
import { untilAvailable } from './wait.js';

export interface KafkaAccess {
  readonly kafka: Kafka;
  readonly admin: Admin;
}

/**
 * Works with a connected admin client, and disconnects it.
 * @param seconds how long Kafka may take to appear
 * @throws CliError naming the brokers when Kafka is away or refuses
 */
export async function withKafka<T>(
  { kafkaBrokers }: Config,
  seconds: number,
  work: (access: KafkaAccess) => Promise<T>,
): Promise<T> {
  const kafka = new kafkajs.Kafka({
    clientId: 'walpost-cli',
    brokers: [...kafkaBrokers],
    connectionTimeout: 3000,
    requestTimeout: 10_000,
    retry: { retries: 3, initialRetryTime: 100, maxRetryTime: 500 },
    logLevel: kafkajs.logLevel.NOTHING,
  });
  const admin = kafka.admin();
  try {
    await untilAvailable(() => admin.connect(), { seconds, retryable: () => true });
    return await work({ kafka, admin });
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError(`Kafka at ${kafkaBrokers.join(',')}: ${reason(error)}`, { cause: error });
  } finally {
    await admin.disconnect();
  }
}

/** How long Kafka may answer "not now", as it does while a broker that has just started loads its groups, s. */
const NOT_NOW_SECONDS = 15;

/** What a group has committed; kafkajs repeats other requests by itself, and not this one. */
export function fetchOffsets(admin: Admin, groupId: string, topics?: string[]): Promise<GroupOffsets> {
  return untilAvailable(() => admin.fetchOffsets({ groupId, ...(topics && { topics }) }), {
    seconds: NOT_NOW_SECONDS,
    retryable: (error) => error instanceof kafkajs.KafkaJSError && error.retriable,
  });
}

type GroupOffsets = Awaited<ReturnType<Admin['fetchOffsets']>>;
