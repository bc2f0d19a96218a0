import { connectAccess, registryAccess } from '@walpost/kit/api-access';
import type { System } from '@walpost/kit/config';
import { httpAccess } from '@walpost/kit/contract/http-access';
import {
  connectSettings,
  eventSettings,
  OpenUrl,
  Port,
  readConfig as readSettings,
  Secret,
} from '@walpost/kit/environment';
import { ConfigError } from '@walpost/kit/errors';
import { kafkaAccess } from '@walpost/kit/kafka/kafka-access';
import { databaseOf, sharedServer } from '@walpost/kit/postgres/server-of';
import { retentionSettings } from '@walpost/kit/service/retention';
import { Type } from 'typebox';
import { UsageError } from './cli-error.ts';
import type { Servers } from './observe/open-observed.ts';
import type { Project } from './project.ts';
import { addressOf, addressSettings } from './service-address.ts';

/** What one command lacks another one does without: each says for itself when it needs a password. */
const Password = () => Type.Optional(Secret());

const settings = {
  ...eventSettings,
  ...connectSettings,
  ...retentionSettings,
  KAFKA_REPLICATION_FACTOR: Type.Integer({ default: 1, minimum: 1, description: 'a positive whole number' }),
  OBSERVER_PASSWORD: Password(),
  DLQ_OPERATOR_PASSWORD: Password(),
  CDC_PASSWORD: Password(),
  REGISTRY_PASSWORD: Password(),
  CONSOLE_PORT: Port(3100, 1),
  CONSOLE_URL: Type.Optional(OpenUrl()),
};

/** What each service adds to them. */
function settingsOf({ services }: System) {
  return Object.fromEntries(services.flatMap((service) => Object.entries(addressSettings(service))));
}

export type Config = ReturnType<typeof shape> & Pick<Project, 'folder'>;

/**
 * Reads what the command line needs from the environment; an empty variable counts as unset.
 * @throws UsageError naming the variable that is wrong
 */
export function readConfig({ folder, system }: Project, env: NodeJS.ProcessEnv): Config {
  // Blanks around a value are nobody's intention, but in a password.
  const trim = (name: string, value = '') => [name, /_(PASSWORD|SECRET)$/.test(name) ? value : value.trim()];
  const trimmed = Object.fromEntries(Object.entries(env).map(([name, value]) => trim(name, value)));
  try {
    const own = readSettings(settingsOf(system), trimmed) as Record<string, string | number | undefined>;
    return { folder, ...shape(system, readSettings(settings, trimmed), own, trimmed) };
  } catch (error) {
    throw error instanceof ConfigError ? new UsageError(error.message, { cause: error }) : error;
  }
}

function shape(
  system: System,
  read: ReturnType<typeof readSettings<typeof settings>>,
  own: Readonly<Record<string, string | number | undefined>>,
  env: NodeJS.ProcessEnv,
) {
  const databases = system.services.map((service) => ({ name: service.name, ...databaseOf(service, env) }));
  const addresses = system.services.map((service) => [service.name, addressOf(service, own)]);
  return {
    system,
    kafka: kafkaAccess(read),
    kafkaReplicationFactor: read.KAFKA_REPLICATION_FACTOR,
    registry: registryAccess(read),
    connect: connectAccess(read),
    /** Of whatever no service says an address for: the registry's database is there too. */
    postgres: sharedServer(env),
    /** The Postgres server of each service. */
    servers: Object.fromEntries(databases.map(({ name, server }) => [name, server])) as Servers,
    /** Of `<database>_app`, for each service; undefined when it is not set. */
    passwords: Object.fromEntries(databases.map(({ name, password }) => [name, password])) as Readonly<
      Record<string, string | undefined>
    >,
    observerPassword: read.OBSERVER_PASSWORD,
    // Tried by `walpost doctor`, and used for nothing else.
    dlqOperatorPassword: read.DLQ_OPERATOR_PASSWORD,
    cdcPassword: read.CDC_PASSWORD,
    registryPassword: read.REGISTRY_PASSWORD,
    outboxRetentionDays: read.OUTBOX_RETENTION_DAYS,
    inboxRetentionDays: read.INBOX_RETENTION_DAYS,
    addresses: {
      ...(Object.fromEntries(addresses) as Readonly<Record<string, string>>),
      console: httpAccess(read.CONSOLE_URL ?? `http://localhost:${read.CONSOLE_PORT}`).url,
    },
  };
}

/** The retentions, by the names that they have in the environment. */
export function retentionOf({ inboxRetentionDays, outboxRetentionDays }: Config) {
  return { INBOX_RETENTION_DAYS: inboxRetentionDays, OUTBOX_RETENTION_DAYS: outboxRetentionDays };
}
