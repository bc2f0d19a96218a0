import { Ajv, type ErrorObject } from 'ajv';
import { type Static, type TObject, type TProperties, Type } from 'typebox';
import { shownUrl } from './contract/http-access.ts';
import { ConfigError } from './errors.ts';
import { withFormerVariables } from './former-names.ts';

/** A password or another value without a usable default. */
export const Secret = () => Type.String({ minLength: 1 });
// A setting that has a description is refused as being none, with its value: never one that is secret.
/** A TCP port; 0 lets the system choose one. */
export const Port = (fallback: number, minimum = 0) =>
  Type.Integer({ default: fallback, minimum, maximum: 65_535, description: 'a port' });
/** A host, without a port; brackets are for an IPv6 address with a port behind it. A path is a Unix socket. */
export const Host = (fallback: string) =>
  Type.String({
    default: fallback,
    pattern: '^(/.+|[^/@:[\\]\\s]+|[0-9A-Fa-f:.]+(%\\w+)?)$',
    description: 'a host name or an address, without a port and without brackets',
  });
/** Where an HTTP API is; user and password may be in it. */
export const HttpUrl = (fallback?: string) =>
  Type.String({ default: fallback, format: 'http-url', description: 'an http address' });
/** Where an HTTP API is that takes no user and password. */
export const OpenUrl = () =>
  Type.String({
    format: 'http-url',
    pattern: '^[^@]*$',
    description: 'an http address without user and password',
  });

/** How a connection to Postgres is protected, by libpq's names. */
export const sslModes = ['disable', 'require', 'verify-ca', 'verify-full'] as const;
export type SslMode = (typeof sslModes)[number];

/** Where the Postgres server is, for every service that has no `<NAME>_DATABASE_URL`. */
export const postgresSettings = {
  POSTGRES_HOST: Host('localhost'),
  POSTGRES_PORT: Port(5432, 1),
  POSTGRES_SSLMODE: Type.Enum([...sslModes], { default: 'disable' }),
  // PEM. Without one, certificates are checked against Node's roots and NODE_EXTRA_CA_CERTS.
  POSTGRES_CA_FILE: Type.Optional(Type.String()),
  // Whether PgBouncer, or one like it, is in front of it and gives each transaction another session.
  POSTGRES_POOLER: Type.Enum(['none', 'transaction'], { default: 'none' }),
};

/** How to reach the event backbone: a comma-separated list of brokers, and the registry's Confluent API. */
export const eventSettings = {
  KAFKA_BROKERS: Type.String({ default: 'localhost:9092', minLength: 1 }),
  KAFKA_SECURITY_PROTOCOL: Type.Enum(['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'], {
    default: 'PLAINTEXT',
  }),
  // For the two of SASL; SCRAM-SHA-512 when not set. kafkaAccess says what goes with what.
  KAFKA_SASL_MECHANISM: Type.Optional(Type.Enum(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'])),
  KAFKA_USERNAME: Type.Optional(Secret()),
  KAFKA_PASSWORD: Type.Optional(Secret()),
  // For OAUTHBEARER, by client credentials.
  KAFKA_OAUTH_TOKEN_URL: Type.Optional(OpenUrl()),
  KAFKA_OAUTH_CLIENT_ID: Type.Optional(Secret()),
  KAFKA_OAUTH_CLIENT_SECRET: Type.Optional(Secret()),
  KAFKA_OAUTH_SCOPE: Type.Optional(Secret()),
  // PEM files, for the two of SSL: who is trusted in place of Node's roots, and who this is (mutual TLS).
  KAFKA_CA_FILE: Type.Optional(Secret()),
  KAFKA_CERT_FILE: Type.Optional(Secret()),
  KAFKA_KEY_FILE: Type.Optional(Secret()),
  SCHEMA_REGISTRY_URL: HttpUrl('http://localhost:8081/apis/ccompat/v7'),
  // For a registry behind basic authentication, or a bearer token in their place.
  SCHEMA_REGISTRY_USERNAME: Type.Optional(Secret()),
  SCHEMA_REGISTRY_PASSWORD: Type.Optional(Secret()),
  SCHEMA_REGISTRY_TOKEN: Type.Optional(Secret()),
  SCHEMA_REGISTRY_CA_FILE: Type.Optional(Secret()),
};

/** Where Kafka Connect is, and who asks when it is behind basic authentication or a bearer token. */
export const connectSettings = {
  CONNECT_URL: HttpUrl('http://localhost:8083'),
  CONNECT_USERNAME: Type.Optional(Secret()),
  CONNECT_PASSWORD: Type.Optional(Secret()),
  CONNECT_TOKEN: Type.Optional(Secret()),
  CONNECT_CA_FILE: Type.Optional(Secret()),
};

/** What every service takes. HOST is the address that the HTTP server listens on. */
export const serviceSettings = {
  HOST: Host('127.0.0.1'),
  LOG_LEVEL: Type.Enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], { default: 'info' }),
};

/** The values of settings like the ones above. */
export type Settings<T extends TProperties> = Static<TObject<T>>;

const ajv = new Ajv({
  allErrors: true,
  removeAdditional: true,
  useDefaults: true,
  coerceTypes: true,
  formats: {
    'http-url': (text: string) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol),
  },
  // Checking the schemas themselves would take as long again, at every start.
  validateSchema: false,
});

/**
 * Checks environment variables against a schema, once, at start. Text is converted to the schema's types.
 *
 * @param properties a TypeBox schema for each variable
 * @param environment usually `process.env`
 * @throws {ConfigError} naming every variable that is missing or wrong
 */
export function readConfig<T extends TProperties>(
  properties: T,
  environment: NodeJS.ProcessEnv,
): Settings<T> {
  // An empty variable counts as unset: `.env.example` lists them all, empty ones included.
  const given = Object.entries(withFormerVariables(environment));
  const data = Object.fromEntries(given.filter(([, value]) => value !== ''));
  const schema = Type.Object(properties, { additionalProperties: false });
  if (ajv.validate<Settings<T>>(schema, data)) return data;
  const problems = (ajv.errors ?? []).map((problem) => explain(problem, properties, environment));
  throw new ConfigError(
    `Configuration: ${[...new Set(problems)].join('; ')}. Every variable is described in .env.example.`,
  );
}

function explain(
  { keyword, instancePath, message, params }: ErrorObject,
  properties: TProperties,
  environment: NodeJS.ProcessEnv,
): string {
  if (keyword === 'required') return `${params['missingProperty']} is not set`;
  const name = instancePath.slice(1);
  const { description, enum: words } = properties[name] as { description?: string; enum?: string[] };
  const wanted = description ?? (words && `one of ${words.join(', ')}`);
  if (wanted === undefined) return `${name} ${message}`;
  return `${name}: "${shownUrl(environment[name] ?? '')}" is not ${wanted}`;
}
