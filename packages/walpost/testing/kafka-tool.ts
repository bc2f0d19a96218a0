import { type ChildProcess, spawn } from 'node:child_process';
import { fetchComponents } from '../stack/fetch-components.ts';
import { findJdk } from '../stack/find-jdk.ts';
import { setting } from './support.ts';

const env = process.env as Record<string, string>;

/**
 * Starts one of the programs that come with Kafka, against the stack that integration tests share.
 *
 * @param tool its class in org.apache.kafka.tools
 */
export async function startKafkaTool(tool: string, args: readonly string[]): Promise<ChildProcess> {
  const jdk = await findJdk(env);
  const { kafka } = await fetchComponents(env, jdk, () => undefined, undefined);
  return spawn(
    `${jdk.home}/bin/java`,
    [
      ...['-Xmx96m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'],
      ...['-cp', `${kafka}/*`, `org.apache.kafka.tools.${tool}`],
      ...['--bootstrap-server', setting(env, 'KAFKA_BROKERS'), ...args],
    ],
    { stdio: ['pipe', 'pipe', 'pipe'] },
  );
}
