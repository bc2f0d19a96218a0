import type { eventSettings, Settings } from '../environment.ts';
import { ConfigError } from '../errors.ts';
import { parseHostPort } from './host-port.ts';

/** How a Kafka client connects and says who it is. Files are read when a connection is made. */
export interface KafkaAccess {
  brokers: string[];
  /** TLS, checked against Node's roots when it is just true. */
  ssl?: boolean | TlsFiles;
  sasl?: PasswordLogin | TokenLogin;
}

/** Paths of PEM files. */
export interface TlsFiles {
  /** Who is trusted, in place of Node's roots. */
  readonly ca?: string;
  /** Who this is, for a broker that asks: the certificate with its chain, and its private key. */
  readonly client?: { readonly cert: string; readonly key: string };
}

type PasswordMechanism = 'plain' | 'scram-sha-256' | 'scram-sha-512';
export type PasswordLogin = {
  [M in PasswordMechanism]: { readonly mechanism: M; readonly username: string; readonly password: string };
}[PasswordMechanism];

/** A login by a token that an issuer gives for these credentials (RFC 6749, 4.4). */
export interface TokenLogin {
  readonly mechanism: 'oauthbearer';
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scope?: string;
}

/** The variables that say how to connect to Kafka. */
export type KafkaSettings = Pick<
  Settings<typeof eventSettings>,
  `KAFKA_${string}` & keyof typeof eventSettings
>;
type Name = keyof KafkaSettings;

const BY_PASSWORD: readonly Name[] = ['KAFKA_USERNAME', 'KAFKA_PASSWORD'];
const BY_TOKEN: readonly Name[] = [
  'KAFKA_OAUTH_TOKEN_URL',
  'KAFKA_OAUTH_CLIENT_ID',
  'KAFKA_OAUTH_CLIENT_SECRET',
];
const OF_TLS: readonly Name[] = ['KAFKA_CA_FILE', 'KAFKA_CERT_FILE', 'KAFKA_KEY_FILE'];

/**
 * How to connect to Kafka, from the variables of that name.
 *
 * @throws {ConfigError} when KAFKA_BROKERS is no list of host:port, and for variables that cannot go together
 */
export function kafkaAccess(settings: KafkaSettings): KafkaAccess {
  const brokers = parseBrokers(settings.KAFKA_BROKERS);
  const problem = problemOf(settings);
  if (problem !== undefined) {
    throw new ConfigError(`Configuration: ${problem}. Every variable is described in .env.example.`);
  }
  const protocol = settings.KAFKA_SECURITY_PROTOCOL;
  return {
    brokers,
    ...(protocol.endsWith('SSL') && { ssl: tlsOf(settings) }),
    ...(protocol.startsWith('SASL') && { sasl: loginOf(settings) }),
  };
}

/** What cannot work in the variables; undefined when all of it can. User and password wait for SASL in many a file. */
function problemOf(settings: KafkaSettings): string | undefined {
  const { KAFKA_SECURITY_PROTOCOL: protocol, KAFKA_SASL_MECHANISM: mechanism } = settings;
  const isSet = (name: Name) => settings[name] !== undefined;
  const [useless] = OF_TLS.filter(isSet);
  if (useless && !protocol.endsWith('SSL'))
    return `${useless} is set, but KAFKA_SECURITY_PROTOCOL is ${protocol}, without TLS: make it SSL or SASL_SSL`;
  if (isSet('KAFKA_CERT_FILE') !== isSet('KAFKA_KEY_FILE'))
    return 'KAFKA_CERT_FILE and KAFKA_KEY_FILE must be set together';
  if (mechanism && !protocol.startsWith('SASL'))
    return `KAFKA_SASL_MECHANISM is set, but KAFKA_SECURITY_PROTOCOL is ${protocol}, without a login: make it SASL_SSL or SASL_PLAINTEXT`;
  const byToken = protocol.startsWith('SASL') && mechanism === 'OAUTHBEARER';
  const [foreign] = byToken ? [] : [...BY_TOKEN, 'KAFKA_OAUTH_SCOPE' as const].filter(isSet);
  if (foreign) return `${foreign} is set, but KAFKA_SASL_MECHANISM is not OAUTHBEARER`;
  if (!protocol.startsWith('SASL')) return undefined;
  const needed = byToken ? BY_TOKEN : BY_PASSWORD;
  if (needed.every(isSet)) return undefined;
  const why = mechanism ? `KAFKA_SASL_MECHANISM is ${mechanism}` : `KAFKA_SECURITY_PROTOCOL is ${protocol}`;
  return `${why}, so ${needed.slice(0, -1).join(', ')} and ${needed.at(-1)} must be set`;
}

function tlsOf({
  KAFKA_CA_FILE: ca,
  KAFKA_CERT_FILE: cert,
  KAFKA_KEY_FILE: key,
}: KafkaSettings): true | TlsFiles {
  if (ca === undefined && cert === undefined) return true;
  return { ...(ca && { ca }), ...(cert && key && { client: { cert, key } }) };
}

function loginOf(settings: KafkaSettings): PasswordLogin | TokenLogin {
  const mechanism = settings.KAFKA_SASL_MECHANISM ?? 'SCRAM-SHA-512';
  if (mechanism !== 'OAUTHBEARER') {
    return {
      mechanism: mechanism.toLowerCase() as Lowercase<typeof mechanism>,
      username: String(settings.KAFKA_USERNAME),
      password: String(settings.KAFKA_PASSWORD),
    };
  }
  return {
    mechanism: 'oauthbearer',
    tokenUrl: String(settings.KAFKA_OAUTH_TOKEN_URL),
    clientId: String(settings.KAFKA_OAUTH_CLIENT_ID),
    clientSecret: String(settings.KAFKA_OAUTH_CLIENT_SECRET),
    ...(settings.KAFKA_OAUTH_SCOPE && { scope: settings.KAFKA_OAUTH_SCOPE }),
  };
}

/** Reads a comma-separated list of `host:port`. @throws {ConfigError} naming the part that is none */
function parseBrokers(list: string): string[] {
  return list.split(',').map((part) => {
    const broker = part.trim();
    const problem =
      broker === '' ? 'has an empty part: the list is host:port,host:port' : brokerProblem(broker);
    if (problem === undefined) return broker;
    throw new ConfigError(
      `Configuration: KAFKA_BROKERS: "${broker || list}" ${problem}. Every variable is described in .env.example.`,
    );
  });
}

function brokerProblem(broker: string): string | undefined {
  const read = parseHostPort(broker);
  return 'problem' in read ? read.problem : undefined;
}
