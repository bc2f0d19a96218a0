import type { Service, System } from '@walpost/kit/config';

/** A secret's name, as in .env. */
export type SecretName = string;

/** Every secret that a system has: passwords of its own roles and users, and a token. */
export function secretNames({ services }: System): SecretName[] {
  return [
    'POSTGRES_PASSWORD',
    ...services.map(({ passwordVariable }) => passwordVariable),
    ...[
      'CDC_PASSWORD',
      'REGISTRY_PASSWORD',
      'REPLICATOR_PASSWORD',
      'OBSERVER_PASSWORD',
      'DLQ_OPERATOR_PASSWORD',
    ],
    'CONSOLE_TOKEN',
    ...services.map(kafkaPassword),
    ...['CONNECT_KAFKA_PASSWORD', 'CONSOLE_KAFKA_PASSWORD', 'OPERATOR_KAFKA_PASSWORD'],
    ...['OPERATOR_PASSWORD', 'REGISTRY_READER_PASSWORD', 'CONSOLE_CONNECT_PASSWORD'],
  ];
}

/** The secrets without which the native stack cannot be started; without those of the console the rest runs all the same. */
export function requiredSecrets({ services }: System): SecretName[] {
  const own = services.map(({ passwordVariable }) => passwordVariable);
  return ['POSTGRES_PASSWORD', ...own, 'CDC_PASSWORD', 'REGISTRY_PASSWORD'];
}

/** Of the user as whom a service comes to Kafka, where that asks. */
export function kafkaPassword({ portVariable }: Service): SecretName {
  return portVariable.replace(/_PORT$/, '_KAFKA_PASSWORD');
}

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

/** Secrets by program, and there by the variable in which it looks for them. */
export type ProgramSecrets = Readonly<Record<string, Secrets>>;

/**
 * The secrets that each program may have, and nobody else. `npm start` passes these variables, and docker compose mounts
 * a folder of these files, which packages/walpost/stack/share-secrets.ts writes. A program that is not here has none.
 */
export function programSecrets({ services }: System): ProgramSecrets {
  const each = (entry: (service: Service) => [string, Secrets]) => Object.fromEntries(services.map(entry));
  return {
    postgres: named('POSTGRES_PASSWORD'),
    'postgres-standby': named('POSTGRES_PASSWORD', 'REPLICATOR_PASSWORD'),
    'migrate-registry': { PGPASSWORD: 'POSTGRES_PASSWORD', ...named('REGISTRY_PASSWORD') },
    'migrate-standby': { PGPASSWORD: 'POSTGRES_PASSWORD', ...named('REPLICATOR_PASSWORD') },
    ...each(({ name, passwordVariable, publishes }) => [
      `migrate-${name}`,
      migration(passwordVariable, ...(publishes ? ['CDC_PASSWORD'] : [])),
    ]),
    registry: named('REGISTRY_PASSWORD'),
    connect: named('CDC_PASSWORD'),
    ...each(({ name, passwordVariable }) => [name, named(passwordVariable)]),
    console: named('OBSERVER_PASSWORD', 'DLQ_OPERATOR_PASSWORD', 'CONSOLE_TOKEN'),
    // The command line works as the services' own roles, and as Debezium's where a lost slot is dropped.
    walpost: named(
      ...services.map(({ passwordVariable }) => passwordVariable),
      ...['OBSERVER_PASSWORD', 'DLQ_OPERATOR_PASSWORD', 'CDC_PASSWORD'],
    ),
  };
}

/** What programs have in addition where Kafka, the registry and Connect ask who one is: compose/secure.yaml. */
export function securedSecrets({ services }: System): ProgramSecrets {
  return {
    ...Object.fromEntries(
      services.map((service) => [
        service.name,
        { KAFKA_PASSWORD: kafkaPassword(service), SCHEMA_REGISTRY_PASSWORD: 'REGISTRY_READER_PASSWORD' },
      ]),
    ),
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
      ...services.map(kafkaPassword),
      ...['CONNECT_KAFKA_PASSWORD', 'CONSOLE_KAFKA_PASSWORD', 'OPERATOR_KAFKA_PASSWORD'],
    ),
    gateway: named('OPERATOR_PASSWORD', 'REGISTRY_READER_PASSWORD', 'CONSOLE_CONNECT_PASSWORD'),
  };
}
