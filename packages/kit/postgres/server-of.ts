import { readFileSync } from 'node:fs';
import { Type } from 'typebox';
import type { Service } from '../config.ts';
import {
  postgresSettings,
  readConfig,
  Secret,
  type Settings,
  type SslMode,
  sslModes,
} from '../environment.ts';
import { ConfigError } from '../errors.ts';
import { messageOf } from '../telemetry/describe-error.ts';
import type { PostgresServer } from './server.ts';

/** Where a service's database is, and the password of `<database>_app`. */
export interface ServiceDatabase {
  readonly server: PostgresServer;
  /** The file that `ca` was read from, for programs that read it themselves. */
  readonly caFile?: string;
  readonly password?: string;
}

/** The variables that say it, beside those of all services alike. */
type Named = Pick<Service, 'database' | 'passwordVariable' | 'databaseUrlVariable'>;

/** Where the Postgres server of all services is that have no address of their own. @throws {ConfigError} */
export function sharedServer(environment: NodeJS.ProcessEnv): PostgresServer {
  const shared = readConfig(postgresSettings, environment);
  return completed({ host: shared.POSTGRES_HOST, port: shared.POSTGRES_PORT }, shared, '').server;
}

/**
 * Where the database of a service is: `<NAME>_DATABASE_URL` says it, and what that leaves open POSTGRES_… and
 * `<DATABASE>_PASSWORD`.
 *
 * @throws {ConfigError} naming everything that is wrong with the address, and never the password
 */
export function databaseOf(service: Named, environment: NodeJS.ProcessEnv): ServiceDatabase {
  const { passwordVariable, databaseUrlVariable: name } = service;
  const read = readConfig(
    { [passwordVariable]: Type.Optional(Secret()), [name]: Type.Optional(Type.String()) },
    environment,
  ) as Readonly<Record<string, string | undefined>>;
  const { [passwordVariable]: own, [name]: text } = read;
  const shared = readConfig(postgresSettings, environment);
  const { problems, ...address }: Address =
    text === undefined
      ? { host: shared.POSTGRES_HOST, port: shared.POSTGRES_PORT, password: '', problems: [] }
      : parse(text.trim(), service);
  if (problems.length > 0)
    throw new ConfigError(
      `Configuration: ${name} ${problems.join(', and ')}. It is postgres://user:password@host:port/database?sslmode=verify-full&sslrootcert=FILE; letters such as / # % @ in a password are percent-encoded.`,
    );
  const password = address.password || own;
  return {
    ...completed(address, shared, name),
    ...(password !== undefined && { password }),
  };
}

/** The password of a service's role. @throws {ConfigError} naming the variables when there is none */
export function requirePassword(service: Named, { password }: ServiceDatabase): string {
  if (password !== undefined) return password;
  throw new ConfigError(
    `Configuration: ${service.passwordVariable} is not set, and no password is in ${service.databaseUrlVariable}. Every variable is described in .env.example.`,
  );
}

/** @param name of the variable that the address is of */
function completed(
  { host, port, sslMode: ownMode, caFile: ownFile }: Pick<Address, 'host' | 'port' | 'sslMode' | 'caFile'>,
  shared: Settings<typeof postgresSettings>,
  name: string,
): Omit<ServiceDatabase, 'password'> {
  const sslMode = (ownMode ?? shared.POSTGRES_SSLMODE) as SslMode;
  const pooler = shared.POSTGRES_POOLER === 'transaction';
  const server = { host, port, sslMode, ...(pooler && { pooler }) };
  const caFile = ownFile ?? shared.POSTGRES_CA_FILE;
  if (!sslMode.startsWith('verify') || caFile === undefined) return { server };
  // Read at once: a file that is not there is heard of at the start, and not from a connection.
  return { server: { ...server, ca: readCertificates(ownFile ? name : 'POSTGRES_CA_FILE', caFile) }, caFile };
}

function readCertificates(name: string, path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new ConfigError(`Configuration: ${name}: ${path} cannot be read: ${messageOf(error)}`, {
      cause: error,
    });
  }
  if (text.includes('-----BEGIN CERTIFICATE-----')) return text;
  throw new ConfigError(`Configuration: ${name}: ${path} holds no certificate in the form PEM`);
}

interface Address {
  host: string;
  port: number;
  password: string;
  sslMode?: string;
  caFile?: string;
  /** What is wrong with it; in no words of the address that may be of a password. */
  problems: string[];
}

function parse(text: string, { database }: Named): Address {
  const nothing = { host: '', port: 0, password: '' };
  if (!/^postgres(ql)?:\/\//.test(text) || !URL.canParse(text))
    return { ...nothing, problems: ['is no postgres address'] };
  const url = new URL(text);
  const user = decoded(url.username);
  const password = decoded(url.password);
  const path = decoded(url.pathname.slice(1));
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const { sslmode: sslMode, sslrootcert: caFile, ...others } = Object.fromEntries(url.searchParams);
  const role = `${database}_app`;
  const problems = [
    ...(user === undefined || password === undefined || path === undefined
      ? ['has a % that encodes no letter']
      : []),
    ...(url.hash ? ['has a #'] : []),
    ...(host === '' ? ['names no host'] : []),
    // A list of hosts, or a folder of sockets.
    ...(/[,%]/.test(host) ? ['does not name one host'] : []),
    ...(url.port === '0' ? ['has the port 0'] : []),
    ...(user ? (user === role ? [] : [`names another user than ${role}, to whom the migrations grant`]) : []),
    ...(path
      ? path === database
        ? []
        : [`names another database than ${database}, of walpost.config.ts`]
      : []),
    ...(sslMode === undefined || sslModes.some((mode) => mode === sslMode)
      ? []
      : [`has an sslmode that is not one of ${sslModes.join(', ')}`]),
    ...Object.keys(others).map((name) => `has ${name}, and takes sslmode and sslrootcert only`),
  ];
  return {
    host,
    port: Number(url.port || 5432),
    password: password ?? '',
    ...(sslMode !== undefined && { sslMode }),
    ...(caFile && { caFile }),
    problems,
  };
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    // A % that stands for itself.
    return undefined;
  }
}
