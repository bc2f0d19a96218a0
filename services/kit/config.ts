import { envSchema } from 'env-schema';
import { type Static, type TObject, type TProperties, Type } from 'typebox';

/** A configuration that cannot be used; the message names every variable that is wrong. */
export class ConfigError extends Error {
  readonly code = 'CONFIG_INVALID';
}

/** A password or another value without a usable default. */
export const Secret = () => Type.String({ minLength: 1 });
/** A TCP port; 0 lets the system choose one. */
export const Port = (fallback: number) => Type.Integer({ default: fallback, minimum: 0, maximum: 65_535 });

/** Where the Postgres server is, for all services alike. */
export const postgresSettings = {
  POSTGRES_HOST: Type.String({ default: 'localhost', minLength: 1 }),
  POSTGRES_PORT: Port(5432),
  // libpq's name and values; the certificate is checked against Node's roots and NODE_EXTRA_CA_CERTS.
  POSTGRES_SSLMODE: Type.Enum(['disable', 'verify-full'], { default: 'disable' }),
};

/** How to reach the event backbone: a comma-separated list of brokers, and the registry's Confluent API. */
export const eventSettings = {
  KAFKA_BROKERS: Type.String({ default: 'localhost:9092', minLength: 1 }),
  KAFKA_SECURITY_PROTOCOL: Type.Enum(['PLAINTEXT', 'SASL_SSL'], { default: 'PLAINTEXT' }),
  // For SASL_SSL, by SCRAM-SHA-512.
  KAFKA_USERNAME: Type.Optional(Secret()),
  KAFKA_PASSWORD: Type.Optional(Secret()),
  SCHEMA_REGISTRY_URL: Type.String({
    default: 'http://localhost:8081/apis/ccompat/v7',
    pattern: '^https?://',
  }),
  // For a registry behind basic authentication.
  SCHEMA_REGISTRY_USERNAME: Type.Optional(Secret()),
  SCHEMA_REGISTRY_PASSWORD: Type.Optional(Secret()),
};

/** What every service takes. HOST is the address that the HTTP server listens on. */
export const serviceSettings = {
  HOST: Type.String({ default: '127.0.0.1', minLength: 1 }),
  LOG_LEVEL: Type.Enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], { default: 'info' }),
};

/** The values of settings like the ones above. */
export type Settings<T extends TProperties> = Static<TObject<T>>;

/**
 * Checks environment variables against a schema, once, at start. Text is converted to the schema's types.
 *
 * @param properties a TypeBox schema for each variable
 * @param environment usually `process.env`; only `main.ts` and `migrate.ts` read it
 * @throws {ConfigError} naming every variable that is missing or wrong
 */
export function readConfig<T extends TProperties>(
  properties: T,
  environment: NodeJS.ProcessEnv,
): Settings<T> {
  // An empty variable counts as unset: `.env.example` lists them all, empty ones included.
  const data = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  try {
    return envSchema({ schema: Type.Object(properties), data, env: false });
  } catch (error) {
    throw new ConfigError(`Configuration: ${explain(error)}. Every variable is described in .env.example.`, {
      cause: error,
    });
  }
}

interface SchemaProblem {
  keyword: string;
  instancePath: string;
  message?: string;
  params: Record<string, unknown>;
}

function explain(error: unknown): string {
  const problems = (error as { errors?: SchemaProblem[] }).errors;
  if (!problems) return String(error);
  return problems
    .map((problem) =>
      problem.keyword === 'required'
        ? `${problem.params['missingProperty']} is not set`
        : `${problem.instancePath.slice(1)} ${problem.message}`,
    )
    .join('; ');
}
