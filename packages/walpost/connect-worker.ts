// biome-ignore-all lint/suspicious/noTemplateCurlyInString: Connect fills these in
import { basename, dirname } from 'node:path';
import { eventSettings, readConfig } from '@walpost/kit/environment';
import { ConfigError } from '@walpost/kit/errors';
import { type KafkaAccess, kafkaAccess } from '@walpost/kit/kafka/kafka-access';
import { UsageError } from './cli-error.ts';

/** What a Kafka Connect worker needs to get to a Kafka that asks who one is. */
export interface WorkerSecurity {
  /** For the worker's own clients and those of its connectors; no secret is in them. */
  readonly properties: Readonly<Record<string, string>>;
  /** Variables that the worker must have in its environment, and may read. */
  readonly variables: readonly string[];
  /** Options of its JVM. */
  readonly jvm: readonly string[];
}

/** The worker's own clients are configured apart from those that it makes for connectors. */
const CLIENTS = ['', 'producer.', 'consumer.', 'admin.'];
const LOGIN = 'org.apache.kafka.common.security';
const PROVIDERS = 'org.apache.kafka.common.config.provider';

/**
 * What a worker needs, from the variables that services and the command line have; nothing for PLAINTEXT.
 *
 * @throws {UsageError} for variables that cannot go together, and for what Java cannot take
 */
export function workerSecurity(env: NodeJS.ProcessEnv): WorkerSecurity {
  try {
    return securityOf(kafkaAccess(readConfig(eventSettings, env)));
  } catch (error) {
    throw error instanceof ConfigError ? new UsageError(error.message, { cause: error }) : error;
  }
}

/** The same for what has been read of them. @throws {UsageError} for what Java cannot take */
export function securityOf({ ssl, sasl }: KafkaAccess): WorkerSecurity {
  if (!ssl && !sasl) return { properties: {}, variables: [], jvm: [] };
  const { properties: login, variables } = loginOf(sasl);
  const { properties: tls, folders } = tlsOf(ssl);
  const protocol = `${sasl ? 'SASL_' : ''}${ssl ? 'SSL' : 'PLAINTEXT'}`;
  const client = Object.entries({ 'security.protocol': protocol, ...tls, ...login });
  return {
    properties: {
      ...providersOf(folders),
      ...Object.fromEntries(
        CLIENTS.flatMap((prefix) => client.map(([name, value]) => [prefix + name, value])),
      ),
    },
    variables,
    jvm:
      sasl?.mechanism === 'oauthbearer'
        ? [`-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=${sasl.tokenUrl}`]
        : [],
  };
}

function loginOf(sasl: KafkaAccess['sasl']): Omit<WorkerSecurity, 'jvm'> {
  if (!sasl) return { properties: {}, variables: [] };
  if (sasl.mechanism === 'oauthbearer') {
    const { clientId, clientSecret, scope, tokenUrl } = sasl;
    const options = {
      clientId: quoted(clientId),
      clientSecret: variable('KAFKA_OAUTH_CLIENT_SECRET', clientSecret),
      ...(scope && { scope: quoted(scope) }),
    };
    return {
      properties: {
        'sasl.mechanism': 'OAUTHBEARER',
        'sasl.oauthbearer.token.endpoint.url': tokenUrl,
        // As ours: RFC 6749, 2.3.1.
        'sasl.oauthbearer.header.urlencode': 'true',
        'sasl.login.callback.handler.class': `${LOGIN}.oauthbearer.OAuthBearerLoginCallbackHandler`,
        'sasl.jaas.config': jaas('oauthbearer.OAuthBearerLoginModule', options),
      },
      variables: ['KAFKA_OAUTH_CLIENT_SECRET'],
    };
  }
  const { mechanism, username, password } = sasl;
  const module = mechanism === 'plain' ? 'plain.PlainLoginModule' : 'scram.ScramLoginModule';
  const options = { username: quoted(username), password: variable('KAFKA_PASSWORD', password) };
  return {
    properties: { 'sasl.mechanism': mechanism.toUpperCase(), 'sasl.jaas.config': jaas(module, options) },
    variables: ['KAFKA_PASSWORD'],
  };
}

function jaas(module: string, options: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(options).map(([name, value]) => ` ${name}=${value}`);
  return `${LOGIN}.${module} required${pairs.join('')};`;
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

/** A secret by its variable, which Connect puts between the quotation marks as it is. */
function variable(name: string, value: string): string {
  if (!/["\\]/.test(value)) return `"\${env:${name}}"`;
  throw new UsageError(`${name} has a " or a \\ in it, which Kafka Connect cannot take: choose another one.`);
}

/** Java takes the key and its certificate in one file, or both as text, which these providers read from two. */
function tlsOf(ssl: KafkaAccess['ssl']): Pick<WorkerSecurity, 'properties'> & { folders: readonly string[] } {
  if (!ssl || ssl === true) return { properties: {}, folders: [] };
  const { ca, client } = ssl;
  const text = (path: string) => `\${dir:${dirname(path)}:${basename(path)}}`;
  return {
    properties: {
      ...(ca && { 'ssl.truststore.type': 'PEM', 'ssl.truststore.location': ca }),
      ...(client && {
        'ssl.keystore.type': 'PEM',
        'ssl.keystore.certificate.chain': text(client.cert),
        'ssl.keystore.key': text(client.key),
      }),
    },
    folders: client ? [...new Set([dirname(client.cert), dirname(client.key)])] : [],
  };
}

/** How the worker reads variables and files; which variables, says its own file. */
function providersOf(folders: readonly string[]): Record<string, string> {
  return {
    'config.providers': folders.length > 0 ? 'env,dir' : 'env',
    'config.providers.env.class': `${PROVIDERS}.EnvVarConfigProvider`,
    ...(folders.length > 0 && {
      'config.providers.dir.class': `${PROVIDERS}.DirectoryConfigProvider`,
      'config.providers.dir.param.allowed.paths': folders.join(','),
    }),
  };
}
