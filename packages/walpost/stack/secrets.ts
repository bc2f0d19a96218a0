/** Every secret that the system has, by its name in .env.example: passwords of its own roles and users, and a token. */
export const secretNames = [
  'POSTGRES_PASSWORD',
  'ORDERS_PASSWORD',
  'PAYMENTS_PASSWORD',
  'INVENTORY_PASSWORD',
  'NOTIFICATIONS_PASSWORD',
  'CDC_PASSWORD',
  'REGISTRY_PASSWORD',
  'REPLICATOR_PASSWORD',
  'OBSERVER_PASSWORD',
  'DLQ_OPERATOR_PASSWORD',
  'CONSOLE_TOKEN',
  'ORDER_KAFKA_PASSWORD',
  'PAYMENT_KAFKA_PASSWORD',
  'INVENTORY_KAFKA_PASSWORD',
  'NOTIFICATION_KAFKA_PASSWORD',
  'CONNECT_KAFKA_PASSWORD',
  'CONSOLE_KAFKA_PASSWORD',
  'OPERATOR_KAFKA_PASSWORD',
  'OPERATOR_PASSWORD',
  'REGISTRY_READER_PASSWORD',
  'CONSOLE_CONNECT_PASSWORD',
] as const;
export type SecretName = (typeof secretNames)[number];

/**
 * Secrets that were renamed: the former name of each, which holds for one more release, and the name that it has now. The
 * table of the kit (former-names.ts) says the same; the image that makes the passwords has no kit.
 */
export const formerSecrets: Readonly<Record<string, SecretName>> = {
  LETTERS_PASSWORD: 'DLQ_OPERATOR_PASSWORD',
};

/** An environment in which a secret that is set under its former name alone is set under its new one too. */
export function withFormerSecrets(
  environment: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string | undefined>> {
  const renamed = Object.entries(formerSecrets).filter(
    ([former, name]) => environment[former] && !environment[name],
  );
  return {
    ...environment,
    ...Object.fromEntries(renamed.map(([former, name]) => [name, environment[former]])),
  };
}

/** Secrets by the name of the variable in which a program looks for them. */
export type Secrets = Readonly<Record<string, SecretName>>;

const named = (...names: SecretName[]): Secrets => Object.fromEntries(names.map((name) => [name, name]));

/** What a migration has: it makes the roles, so it knows their passwords. */
const migration = (...names: SecretName[]): Secrets =>
  named('POSTGRES_PASSWORD', 'OBSERVER_PASSWORD', 'DLQ_OPERATOR_PASSWORD', ...names);

/**
 * The secrets that each program may have, and nobody else. `npm start` passes these variables, and docker compose mounts
 * a folder of these files, which packages/walpost/stack/share-secrets.ts writes. A program that is not here has none.
 */
export const programSecrets: Readonly<Record<string, Secrets>> = {
  postgres: named('POSTGRES_PASSWORD'),
  'postgres-standby': named('POSTGRES_PASSWORD', 'REPLICATOR_PASSWORD'),
  'migrate-registry': { PGPASSWORD: 'POSTGRES_PASSWORD', ...named('REGISTRY_PASSWORD') },
  'migrate-standby': { PGPASSWORD: 'POSTGRES_PASSWORD', ...named('REPLICATOR_PASSWORD') },
  'migrate-order': migration('ORDERS_PASSWORD', 'CDC_PASSWORD'),
  'migrate-payment': migration('PAYMENTS_PASSWORD', 'CDC_PASSWORD'),
  'migrate-inventory': migration('INVENTORY_PASSWORD', 'CDC_PASSWORD'),
  'migrate-notification': migration('NOTIFICATIONS_PASSWORD'),
  registry: named('REGISTRY_PASSWORD'),
  connect: named('CDC_PASSWORD'),
  order: named('ORDERS_PASSWORD'),
  payment: named('PAYMENTS_PASSWORD'),
  inventory: named('INVENTORY_PASSWORD'),
  notification: named('NOTIFICATIONS_PASSWORD'),
  console: named('OBSERVER_PASSWORD', 'DLQ_OPERATOR_PASSWORD', 'CONSOLE_TOKEN'),
  // The command line works as the services' own roles, and as Debezium's where a lost slot is dropped.
  walpost: named(
    'ORDERS_PASSWORD',
    'PAYMENTS_PASSWORD',
    'INVENTORY_PASSWORD',
    'NOTIFICATIONS_PASSWORD',
    'OBSERVER_PASSWORD',
    'DLQ_OPERATOR_PASSWORD',
    'CDC_PASSWORD',
  ),
};

/** What programs have in addition where Kafka, the registry and Connect ask who one is: compose/secure.yaml. */
export const securedSecrets: Readonly<Record<string, Secrets>> = {
  order: { KAFKA_PASSWORD: 'ORDER_KAFKA_PASSWORD', SCHEMA_REGISTRY_PASSWORD: 'REGISTRY_READER_PASSWORD' },
  payment: { KAFKA_PASSWORD: 'PAYMENT_KAFKA_PASSWORD', SCHEMA_REGISTRY_PASSWORD: 'REGISTRY_READER_PASSWORD' },
  inventory: {
    KAFKA_PASSWORD: 'INVENTORY_KAFKA_PASSWORD',
    SCHEMA_REGISTRY_PASSWORD: 'REGISTRY_READER_PASSWORD',
  },
  notification: {
    KAFKA_PASSWORD: 'NOTIFICATION_KAFKA_PASSWORD',
    SCHEMA_REGISTRY_PASSWORD: 'REGISTRY_READER_PASSWORD',
  },
  console: { KAFKA_PASSWORD: 'CONSOLE_KAFKA_PASSWORD', CONNECT_PASSWORD: 'CONSOLE_CONNECT_PASSWORD' },
  connect: named('CONNECT_KAFKA_PASSWORD'),
  'register-topics': { KAFKA_PASSWORD: 'OPERATOR_KAFKA_PASSWORD' },
  'register-schemas': { SCHEMA_REGISTRY_PASSWORD: 'OPERATOR_PASSWORD' },
  'register-connectors': { CONNECT_PASSWORD: 'OPERATOR_PASSWORD' },
  watcher: { KAFKA_PASSWORD: 'OPERATOR_KAFKA_PASSWORD', CONNECT_PASSWORD: 'OPERATOR_PASSWORD' },
  walpost: {
    KAFKA_PASSWORD: 'OPERATOR_KAFKA_PASSWORD',
    SCHEMA_REGISTRY_PASSWORD: 'OPERATOR_PASSWORD',
    CONNECT_PASSWORD: 'OPERATOR_PASSWORD',
  },
  principals: named(
    'ORDER_KAFKA_PASSWORD',
    'PAYMENT_KAFKA_PASSWORD',
    'INVENTORY_KAFKA_PASSWORD',
    'NOTIFICATION_KAFKA_PASSWORD',
    'CONNECT_KAFKA_PASSWORD',
    'CONSOLE_KAFKA_PASSWORD',
    'OPERATOR_KAFKA_PASSWORD',
  ),
  gateway: named('OPERATOR_PASSWORD', 'REGISTRY_READER_PASSWORD', 'CONSOLE_CONNECT_PASSWORD'),
};
