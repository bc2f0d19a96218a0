import { createKafka } from '@walpost/kit/kafka/create-kafka';
import { kafkaProblem } from '@walpost/kit/kafka/kafka-problem';
import { type KafkaRequests, openRequests } from '@walpost/kit/kafka/requests';
import { CliError } from './cli-error.ts';
import type { Config } from './config.ts';
import type { KafkaClients } from './observe/topic-reader.ts';
import { untilAvailable } from './wait.ts';

/**
 * Works with a connected admin client, and disconnects it.
 * @param seconds how long Kafka may take to appear
 * @throws CliError naming the brokers when Kafka is away or refuses
 */
export async function withKafka<T>(
  { kafka: access }: Config,
  seconds: number,
  work: (clients: KafkaClients) => Promise<T>,
): Promise<T> {
  const kafka = createKafka(access, {
    clientId: 'walpost-cli',
    connectionTimeout: 3000,
    requestTimeout: 10_000,
    retry: { retries: 3, initialRetryTime: 100, maxRetryTime: 500 },
  });
  const admin = kafka.admin();
  let requests: KafkaRequests | undefined;
  try {
    await untilAvailable(() => admin.connect(), { seconds, retryable: () => true });
    requests = await openRequests(kafka);
    return await work({ kafka, admin, requests });
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError(`Kafka at ${access.brokers.join(',')}: ${kafkaProblem(error)}`, { cause: error });
  } finally {
    await requests?.close();
    await admin.disconnect();
  }
}
