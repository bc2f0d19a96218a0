import { UsageError } from './cli-error.js';
import { type ServiceName, serviceNames, services } from './services.js';

export interface Config {
  readonly kafkaBrokers: readonly string[];
  readonly kafkaReplicationFactor: number;
  readonly schemaRegistryUrl: string;
  readonly connectUrl: string;
  readonly postgresHost: string;
  readonly postgresPort: number;
  /** Of `<database>_app`, for each service; undefined when it is not set. */
  readonly passwords: Readonly<Record<ServiceName, string | undefined>>;
}

/**
 * Reads what the command line needs from the environment; an empty variable counts as unset.
 * @throws UsageError naming the variable that is wrong
 */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const value = (name: string, fallback: string) => env[name]?.trim() || fallback;
  return {
    kafkaBrokers: brokers('KAFKA_BROKERS', value('KAFKA_BROKERS', 'localhost:9092')),
    kafkaReplicationFactor: count('KAFKA_REPLICATION_FACTOR', value('KAFKA_REPLICATION_FACTOR', '1')),
    schemaRegistryUrl: url(
      'SCHEMA_REGISTRY_URL',
      value('SCHEMA_REGISTRY_URL', 'http://localhost:8081/apis/ccompat/v7'),
    ),
    connectUrl: url('CONNECT_URL', value('CONNECT_URL', 'http://localhost:8083')),
    postgresHost: value('POSTGRES_HOST', 'localhost'),
    postgresPort: port('POSTGRES_PORT', value('POSTGRES_PORT', '5432')),
    passwords: Object.fromEntries(
      serviceNames.map((name) => [name, env[services[name].passwordVariable] || undefined]),
    ) as Record<ServiceName, string | undefined>,
  };
}

function brokers(name: string, text: string): string[] {
  const list = text.split(',').map((broker) => broker.trim());
  const wrong = list.find((broker) => !/^\S+:\d{1,5}$/.test(broker));
  if (wrong !== undefined) throw new UsageError(`${name}: "${wrong}" is not host:port`);
  return list;
}

function count(name: string, text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new UsageError(`${name}: "${text}" is not a positive whole number`);
  return Number(text);
}

function port(name: string, text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) < 1 || Number(text) > 65_535)
    throw new UsageError(`${name}: "${text}" is not a port`);
  return Number(text);
}

function url(name: string, text: string): string {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new UsageError(`${name}: "${text}" is not an http address`);
  }
  return text.replace(/\/+$/, '');
}
