import { type HttpAccess, httpAccess } from './contract/http-access.ts';
import type { connectSettings, eventSettings, Settings } from './environment.ts';
import { ConfigError } from './errors.ts';

type RegistrySettings = Pick<
  Settings<typeof eventSettings>,
  `SCHEMA_REGISTRY_${string}` & keyof typeof eventSettings
>;

/**
 * Where the schema registry is and how to log in there, from the variables of that name.
 *
 * @throws {ConfigError} for variables that cannot go together
 */
export function registryAccess(settings: RegistrySettings): HttpAccess {
  return accessOf('SCHEMA_REGISTRY', {
    url: settings.SCHEMA_REGISTRY_URL,
    username: settings.SCHEMA_REGISTRY_USERNAME,
    password: settings.SCHEMA_REGISTRY_PASSWORD,
    token: settings.SCHEMA_REGISTRY_TOKEN,
    caFile: settings.SCHEMA_REGISTRY_CA_FILE,
  });
}

/**
 * The same for Kafka Connect's REST API.
 *
 * @throws {ConfigError} for variables that cannot go together
 */
export function connectAccess(settings: Settings<typeof connectSettings>): HttpAccess {
  return accessOf('CONNECT', {
    url: settings.CONNECT_URL,
    username: settings.CONNECT_USERNAME,
    password: settings.CONNECT_PASSWORD,
    token: settings.CONNECT_TOKEN,
    caFile: settings.CONNECT_CA_FILE,
  });
}

interface Given {
  url: string;
  username: string | undefined;
  password: string | undefined;
  token: string | undefined;
  caFile: string | undefined;
}

function accessOf(prefix: string, { url, username, password, token, caFile }: Given): HttpAccess {
  const access = httpAccess(url, username, password);
  const problem =
    token && access.credentials
      ? `${prefix}_TOKEN is set beside a user and a password (${prefix}_USERNAME, ${prefix}_PASSWORD or ${prefix}_URL): one of them only`
      : caFile && !url.toLowerCase().startsWith('https:')
        ? `${prefix}_CA_FILE is set, but ${prefix}_URL is no https address`
        : undefined;
  if (problem !== undefined) {
    throw new ConfigError(`Configuration: ${problem}. Every variable is described in .env.example.`);
  }
  return {
    ...access,
    ...(token && { token }),
    ...(caFile && { ca: { variable: `${prefix}_CA_FILE`, path: caFile } }),
  };
}
