import {
  ConfigError,
  connectSettings,
  eventSettings,
  OpenUrl,
  Port,
  postgresSettings,
  readConfig as readSettings,
  Secret,
} from '@walpost/kit/config';
import { httpAccess } from '@walpost/kit/contract/http-access';
import { kafkaAccess } from '@walpost/kit/kafka/kafka-access';
import { retentionSettings } from '@walpost/kit/service/retention';
import { Type } from 'typebox';
import { UsageError } from './cli-error.ts';
import { type ServiceName, serviceNames, services } from './observe/services.ts';

/** What one command lacks another one does without: each says for itself when it needs a password. */
const Password = () => Type.Optional(Secret());

const settings = {
  ...postgresSettings,
  ...eventSettings,
  ...connectSettings,
  ...retentionSettings,
  KAFKA_REPLICATION_FACTOR: Type.Integer({ default: 1, minimum: 1, description: 'a positive whole number' }),
  ORDERS_PASSWORD: Password(),
  PAYMENTS_PASSWORD: Password(),
  INVENTORY_PASSWORD: Password(),
  NOTIFICATIONS_PASSWORD: Password(),
  OBSERVER_PASSWORD: Password(),
  DLQ_OPERATOR_PASSWORD: Password(),
  CDC_PASSWORD: Password(),
  REGISTRY_PASSWORD: Password(),
  ORDER_PORT: Port(3000, 1),
  PAYMENT_PORT: Port(3001, 1),
  INVENTORY_PORT: Port(3002, 1),
  NOTIFICATION_PORT: Port(3003, 1),
  CONSOLE_PORT: Port(3100, 1),
  ORDER_URL: Type.Optional(OpenUrl()),
  PAYMENT_URL: Type.Optional(OpenUrl()),
  INVENTORY_URL: Type.Optional(OpenUrl()),
  NOTIFICATION_URL: Type.Optional(OpenUrl()),
  CONSOLE_URL: Type.Optional(OpenUrl()),
};

export type Config = ReturnType<typeof shape>;

/**
 * Reads what the command line needs from the environment; an empty variable counts as unset.
 * @throws UsageError naming the variable that is wrong
 */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  // Blanks around a value are nobody's intention, but in a password.
  const trim = (name: string, value = '') => [name, name.endsWith('_PASSWORD') ? value : value.trim()];
  const trimmed = Object.fromEntries(Object.entries(env).map(([name, value]) => trim(name, value)));
  try {
    return shape(readSettings(settings, trimmed));
  } catch (error) {
    throw error instanceof ConfigError ? new UsageError(error.message, { cause: error }) : error;
  }
}

function shape(read: ReturnType<typeof readSettings<typeof settings>>) {
  const passwords = serviceNames.map((name) => [name, read[services[name].passwordVariable]]);
  const address = (port: number, url = `http://localhost:${port}`) => httpAccess(url).url;
  return {
    kafka: kafkaAccess(read),
    kafkaReplicationFactor: read.KAFKA_REPLICATION_FACTOR,
    registry: httpAccess(
      read.SCHEMA_REGISTRY_URL,
      read.SCHEMA_REGISTRY_USERNAME,
      read.SCHEMA_REGISTRY_PASSWORD,
    ),
    connect: httpAccess(read.CONNECT_URL, read.CONNECT_USERNAME, read.CONNECT_PASSWORD),
    postgres: {
      host: read.POSTGRES_HOST,
      port: read.POSTGRES_PORT,
      ssl: read.POSTGRES_SSLMODE === 'verify-full',
    },
    /** Of `<database>_app`, for each service; undefined when it is not set. */
    passwords: Object.fromEntries(passwords) as Readonly<Record<ServiceName, string | undefined>>,
    observerPassword: read.OBSERVER_PASSWORD,
    // Tried by `walpost doctor`, and used for nothing else.
    dlqOperatorPassword: read.DLQ_OPERATOR_PASSWORD,
    cdcPassword: read.CDC_PASSWORD,
    registryPassword: read.REGISTRY_PASSWORD,
    outboxRetentionDays: read.OUTBOX_RETENTION_DAYS,
    inboxRetentionDays: read.INBOX_RETENTION_DAYS,
    addresses: {
      order: address(read.ORDER_PORT, read.ORDER_URL),
      payment: address(read.PAYMENT_PORT, read.PAYMENT_URL),
      inventory: address(read.INVENTORY_PORT, read.INVENTORY_URL),
      notification: address(read.NOTIFICATION_PORT, read.NOTIFICATION_URL),
      console: address(read.CONSOLE_PORT, read.CONSOLE_URL),
    },
  };
}

/** The retentions, by the names that they have in the environment. */
export function retentionOf({ inboxRetentionDays, outboxRetentionDays }: Config) {
  return { INBOX_RETENTION_DAYS: inboxRetentionDays, OUTBOX_RETENTION_DAYS: outboxRetentionDays };
}
