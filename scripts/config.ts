import { ConfigError } from '@walpost/kit/config';
import { type KafkaAccess, kafkaAccess } from '@walpost/kit/kafka-access';
import { type HttpAccess, httpAccess, shownUrl } from '@walpost/schemas/http-access';
import { UsageError } from './cli-error.js';
import { type ServiceName, serviceNames, services } from './services.js';

export interface Config {
  readonly kafka: KafkaAccess;
  readonly kafkaReplicationFactor: number;
  readonly registry: HttpAccess;
  readonly connect: HttpAccess;
  readonly postgres: { readonly host: string; readonly port: number; readonly ssl: boolean };
  /** Of `<database>_app`, for each service; undefined when it is not set. */
  readonly passwords: Readonly<Record<ServiceName, string | undefined>>;
  /** Of the role `observer`. */
  readonly observerPassword: string | undefined;
  /** Of the roles `letters`, `cdc` and `registry`: tried by `walpost doctor`, and used for nothing else. */
  readonly lettersPassword: string | undefined;
  readonly cdcPassword: string | undefined;
  readonly registryPassword: string | undefined;
  /** Days that an outbox keeps what its slot has confirmed. */
  readonly outboxRetentionDays: number;
  /** Days that an inbox remembers an event. */
  readonly inboxRetentionDays: number;
  /** Of each service's HTTP port, and of the console's. */
  readonly addresses: Readonly<Record<ServiceName | 'console', string>>;
}

/**
 * Reads what the command line needs from the environment; an empty variable counts as unset.
 * @throws UsageError naming the variable that is wrong
 */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const value: Value = (name, fallback) => env[name]?.trim() || fallback;
  return {
    kafka: kafka(value),
    kafkaReplicationFactor: count('KAFKA_REPLICATION_FACTOR', value('KAFKA_REPLICATION_FACTOR', '1')),
    registry: httpAccess(
      url('SCHEMA_REGISTRY_URL', value('SCHEMA_REGISTRY_URL', 'http://localhost:8081/apis/ccompat/v7')),
      env['SCHEMA_REGISTRY_USERNAME'],
      env['SCHEMA_REGISTRY_PASSWORD'],
    ),
    connect: httpAccess(
      url('CONNECT_URL', value('CONNECT_URL', 'http://localhost:8083')),
      env['CONNECT_USERNAME'],
      env['CONNECT_PASSWORD'],
    ),
    postgres: {
      host: value('POSTGRES_HOST', 'localhost'),
      port: port('POSTGRES_PORT', value('POSTGRES_PORT', '5432')),
      ssl:
        oneOf('POSTGRES_SSLMODE', value('POSTGRES_SSLMODE', 'disable'), ['disable', 'verify-full']) ===
        'verify-full',
    },
    passwords: Object.fromEntries(
      serviceNames.map((name) => [name, env[services[name].passwordVariable] || undefined]),
    ) as Record<ServiceName, string | undefined>,
    observerPassword: env['OBSERVER_PASSWORD'] || undefined,
    lettersPassword: env['LETTERS_PASSWORD'] || undefined,
    cdcPassword: env['CDC_PASSWORD'] || undefined,
    registryPassword: env['REGISTRY_PASSWORD'] || undefined,
    outboxRetentionDays: count('OUTBOX_RETENTION_DAYS', value('OUTBOX_RETENTION_DAYS', '7')),
    inboxRetentionDays: count('INBOX_RETENTION_DAYS', value('INBOX_RETENTION_DAYS', '14')),
    addresses: {
      order: address(value, 'ORDER', '3000'),
      payment: address(value, 'PAYMENT', '3001'),
      inventory: address(value, 'INVENTORY', '3002'),
      notification: address(value, 'NOTIFICATION', '3003'),
      console: address(value, 'CONSOLE', '3100'),
    },
  };
}

/** The retentions, by the names that they have in the environment. */
export function retentionOf({ inboxRetentionDays, outboxRetentionDays }: Config) {
  return { INBOX_RETENTION_DAYS: inboxRetentionDays, OUTBOX_RETENTION_DAYS: outboxRetentionDays };
}

type Value = (name: string, fallback: string) => string;

/** `<NAME>_URL`, or `<NAME>_PORT` on this machine. */
function address(value: Value, name: string, fallback: string): string {
  const here = `http://localhost:${port(`${name}_PORT`, value(`${name}_PORT`, fallback))}`;
  const there = url(`${name}_URL`, value(`${name}_URL`, here));
  if (shownUrl(there) !== there) throw new UsageError(`${name}_URL: a service takes no user and password`);
  return there;
}

function kafka(value: Value): KafkaAccess {
  const protocol = value('KAFKA_SECURITY_PROTOCOL', 'PLAINTEXT');
  try {
    return kafkaAccess({
      KAFKA_BROKERS: value('KAFKA_BROKERS', 'localhost:9092'),
      KAFKA_SECURITY_PROTOCOL: oneOf('KAFKA_SECURITY_PROTOCOL', protocol, ['PLAINTEXT', 'SASL_SSL']),
      KAFKA_USERNAME: value('KAFKA_USERNAME', ''),
      KAFKA_PASSWORD: value('KAFKA_PASSWORD', ''),
    });
  } catch (error) {
    throw error instanceof ConfigError ? new UsageError(error.message, { cause: error }) : error;
  }
}

function oneOf<const T extends string>(name: string, text: string, values: readonly T[]): T {
  const found = values.find((value) => value === text);
  if (found === undefined) throw new UsageError(`${name}: "${text}" is not one of ${values.join(', ')}`);
  return found;
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
    throw new UsageError(`${name}: "${shownUrl(text)}" is not an http address`);
  }
  return text.replace(/\/+$/, '');
}
