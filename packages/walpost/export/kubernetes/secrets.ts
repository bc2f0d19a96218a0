import type { Service, System } from '@walpost/kit/config';
import { aclsOf } from '../../acls.ts';
import { programSecrets } from '../../stack/secrets.ts';
import { CERTIFICATE, kafkaAuthority, POSTGRES_AUTHORITY, type Target } from './resource.ts';

/** A variable of a container. */
export interface Variable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: {
    readonly secretKeyRef: { readonly name: string; readonly key: string; readonly optional?: true };
  };
}

/** The key of a secret that has one value, as Strimzi has it too. */
const PASSWORD = 'password';
/** User and password of a schema registry that asks for them: for who reads, and for who registers. Neither need be there. */
const REGISTRY_USERS = { reader: 'registry-reader', writer: 'registry-operator' } as const;

/** A variable that is no secret. */
export function plain(name: string, value: string | number): Variable {
  return { name, value: String(value) };
}

/** The Secret of a password: `CDC_PASSWORD` is in `cdc-password`. */
function secretOf(name: string): string {
  return name.toLowerCase().replaceAll('_', '-');
}

/** The secrets of a program of a system, by the variables in which it looks for them. */
export function secretsOf(system: System, program: string): Variable[] {
  return Object.entries(programSecrets(system)[program] ?? {}).map(([variable, secret]) =>
    from(variable, secretOf(secret)),
  );
}

/** A variable whose value is in a Secret. */
export function from(variable: string, secret: string, key = PASSWORD, optional = false): Variable {
  return {
    name: variable,
    valueFrom: { secretKeyRef: { name: secret, key, ...(optional && { optional }) } },
  };
}

/** The Secret that says where the database is of a service with a server of its own: as an address, and in parts for Kafka Connect. */
const serverSecret = ({ name }: Service) => `${name}-database`;
const SERVER_KEYS = { _HOST: 'host', _PORT: 'port', _SSLMODE: 'sslmode' };

/** Where the databases of these services are, as far as they are not with the others. */
export function databaseUrls(services: readonly Service[]): Variable[] {
  return services
    .filter((service) => service.hasOwnServer)
    .map((service) => from(service.databaseUrlVariable, serverSecret(service), 'url'));
}

/** The same for Kafka Connect. @param authority the file with the certificate of Postgres' authority */
export function ownServer(service: Service, authority: string): Variable[] {
  return [
    ...Object.entries(SERVER_KEYS).map(([end, key]) =>
      from(service.serverPrefix + end, serverSecret(service), key),
    ),
    plain(`${service.serverPrefix}_CA_FILE`, authority),
  ];
}

/** Who asks the schema registry, where that asks who one is. */
export function registryUser(who: keyof typeof REGISTRY_USERS): Variable[] {
  return [
    from('SCHEMA_REGISTRY_USERNAME', REGISTRY_USERS[who], 'username', true),
    from('SCHEMA_REGISTRY_PASSWORD', REGISTRY_USERS[who], PASSWORD, true),
  ];
}

/** A Secret that the objects refer to. */
export interface SecretNeeded {
  readonly name: string;
  readonly keys: readonly string[];
  /** Who makes it: Strimzi does for its users, or whoever runs the system. */
  readonly madeBy: 'Strimzi' | 'you' | 'you, if the registry asks who one is';
  /** The variable of `.env` whose value it has. */
  readonly variable?: string;
}

/** Every Secret that the objects of a system refer to. */
export function secretsNeeded(system: System, target: Target): SecretNeeded[] {
  const programs = [
    ...system.services.flatMap(({ name }) => [name, `migrate-${name}`]),
    ...['connect', 'console'],
  ];
  const variables = programs.flatMap((program) => Object.values(programSecrets(system)[program] ?? {}));
  return [
    ...[...new Set(variables)].map((variable) => ({
      name: secretOf(variable),
      keys: [PASSWORD],
      madeBy: 'you' as const,
      variable,
    })),
    { name: POSTGRES_AUTHORITY, keys: [CERTIFICATE], madeBy: 'you' },
    ...system.services
      .filter((service) => service.hasOwnServer)
      .map((service) => ({
        name: serverSecret(service),
        keys: ['url', ...Object.values(SERVER_KEYS)],
        madeBy: 'you' as const,
        variable: service.databaseUrlVariable,
      })),
    ...Object.values(REGISTRY_USERS).map((name) => ({
      name,
      keys: ['username', PASSWORD],
      madeBy: 'you, if the registry asks who one is' as const,
    })),
    { name: kafkaAuthority(target), keys: [CERTIFICATE], madeBy: 'Strimzi' },
    ...Object.keys(aclsOf(system)).map((name) => ({ name, keys: [PASSWORD], madeBy: 'Strimzi' as const })),
  ];
}
