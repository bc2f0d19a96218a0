import { Command } from 'commander';
import type { Config } from '../../config.ts';
import { connectorsOf } from '../../connect/connector-config.ts';
import { securityOf } from '../../connect-worker.ts';

/** `walpost export connect`: the part of a worker's file that says which Kafka it works with, and how it logs in. */
export function exportConnect(config: () => Config): Command {
  return new Command('connect')
    .description("print the properties by which somebody else's Kafka Connect worker gets to Kafka")
    .action(() => console.log(workerFile(config())));
}

/** The text for a worker's properties file. No secret is in it. */
export function workerFile({ system, kafka }: Pick<Config, 'system' | 'kafka'>): string {
  const { properties, variables, jvm } = securityOf(kafka);
  const connectors = JSON.stringify(connectorsOf(system));
  const ofConnectors = [...connectors.matchAll(/\$\{env:(\w+)\}/g)].map(([, name]) => String(name));
  const readable = [...new Set([...ofConnectors, ...variables])];
  const lines = Object.entries({
    'bootstrap.servers': kafka.brokers.join(','),
    'config.providers': 'env',
    'config.providers.env.class': 'org.apache.kafka.common.config.provider.EnvVarConfigProvider',
    ...properties,
    'config.providers.env.param.allowlist.pattern': readable.join('|'),
  }).map(([name, value]) => `${name}=${value.replaceAll('\\', '\\\\')}`);
  return [
    '# For the properties file of a Kafka Connect worker: which Kafka, and how it and its connectors log in there.',
    `# Its environment must have ${readable.join(', ')}.`,
    ...jvm.map((option) => `# Its Java must be started with ${option} (KAFKA_OPTS).`),
    ...lines,
  ].join('\n');
}
