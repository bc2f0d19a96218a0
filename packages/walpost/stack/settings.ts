import type { System } from '@walpost/kit/config';
import { shownUrl } from '@walpost/kit/contract/http-access';
import { formerSecrets, programSecrets, requiredSecrets, secretNames, withFormerSecrets } from './secrets.ts';
import { StackError } from './stack-error.ts';

/** Environment variables by name, as in process.env. */
export type Environment = Readonly<Record<string, string | undefined>>;
/** Environment variables that all have a value. */
export type Settings = Readonly<Record<string, string>>;

const defaults: Settings = {
  POSTGRES_HOST: 'localhost',
  POSTGRES_PORT: '5432',
  KAFKA_BROKERS: 'localhost:9092',
  KAFKA_CONTROLLER_PORT: '9093',
  SCHEMA_REGISTRY_URL: 'http://localhost:8081/apis/ccompat/v7',
  SCHEMA_REGISTRY_MANAGEMENT_PORT: '8082',
  CONNECT_URL: 'http://localhost:8083',
  RELAY_POLL_MS: '50',
  CONSOLE_PORT: '3100',
  WATCHER_PORT: '3101',
  SMTP_URL: 'smtp://localhost:1025',
  MAIL_WEB_PORT: '1080',
  LOG_LEVEL: 'info',
};

/** One setting of the stack; throws when it is not there, which is a mistake in the program. */
export function setting(settings: Environment, name: string): string {
  const value = settings[name];
  if (value === undefined) throw new Error(`Setting ${name} is missing`);
  return value;
}

/**
 * The environment with defaults filled in, an empty variable counting as missing.
 * Throws a StackError that names the passwords which are not set.
 */
export function completeSettings(system: System, env: Environment): Settings {
  const given = Object.entries(withFormerSecrets(env)).filter((entry): entry is [string, string] =>
    Boolean(entry[1]),
  );
  const ports = system.services.map(({ portVariable, port }) => [portVariable, String(port)]);
  const settings: Settings = { ...defaults, ...Object.fromEntries(ports), ...Object.fromEntries(given) };
  const missing = requiredSecrets(system).filter((name) => settings[name] === undefined);
  if (missing.length > 0) {
    throw new StackError(
      `${missing.join(', ')} not set. Set it in .env (delete .env to have a new one made, if .data is new too).`,
    );
  }
  return settings;
}

/** What a child process needs from the surroundings, whatever the stack's settings are. */
export function baseEnvironment(env: Environment): Settings {
  const names = ['PATH', 'HOME', 'USER', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'XDG_CACHE_HOME', 'JAVA_HOME'];
  return Object.fromEntries(names.flatMap((name) => (env[name] ? [[name, env[name]]] : [])));
}

/** The environment without the system's own secrets, for a program that may need others: a token of its mirror's. */
export function withoutSecrets(system: System, env: Environment): Environment {
  const names = secretNames(system);
  const isSecret = (name: string) =>
    names.some((one) => one === (formerSecrets[name] ?? name)) || name.endsWith('_DATABASE_URL');
  return Object.fromEntries(Object.entries(env).filter(([name]) => !isSecret(name)));
}

/** The settings for one program: with the secrets that it may have, and no other password or token. */
export function settingsFor(system: System, program: string, settings: Settings): Settings {
  const allowed = [...Object.keys(programSecrets(system)[program] ?? {}), ...kafkaLogin(settings)];
  const passwords = new Map(
    system.services.map(({ databaseUrlVariable, passwordVariable }) => [
      databaseUrlVariable,
      passwordVariable,
    ]),
  );
  return Object.fromEntries(
    Object.entries(settings).flatMap(([name, value]) => {
      const password = passwords.get(name);
      // Where a database is, everybody may know.
      if (password !== undefined) return [[name, allowed.includes(password) ? value : shownUrl(value)]];
      return allowed.includes(name) || !/_(PASSWORD|TOKEN|SECRET)$/.test(name) ? [[name, value]] : [];
    }),
  );
}

/** What is logged in with where another Kafka than the stack's own asks who one is: whatever reads its variables checks all. */
function kafkaLogin(settings: Settings): readonly string[] {
  const asks = settings['KAFKA_SECURITY_PROTOCOL']?.startsWith('SASL') ?? false;
  return asks ? ['KAFKA_PASSWORD', 'KAFKA_OAUTH_CLIENT_SECRET'] : [];
}

/** A port that a component listens on, and the variable that moves it. */
export interface PortUse {
  component: string;
  port: number;
  variable: string;
  /** The variable's value with a placeholder for the port, for a hint. */
  example: string;
}

/** Whose ports: a system with its settings. */
export interface PortOwner {
  readonly system: System;
  readonly settings: Settings;
}

/**
 * Every port of the native stack, derived from the one variable that holds it.
 * Throws a StackError for a value that has no usable port, is not on this machine, or is used twice.
 */
export function portsOf({ system, settings }: PortOwner): PortUse[] {
  const plain = (component: string, variable: string): PortUse => ({
    component,
    port: portNumber(variable, setting(settings, variable)),
    variable,
    example: '<free port>',
  });
  const uses = [
    plain('postgres', 'POSTGRES_PORT'),
    brokerUse(settings),
    plain('kafka', 'KAFKA_CONTROLLER_PORT'),
    urlUse(settings, 'registry', 'SCHEMA_REGISTRY_URL', 'http://localhost:<free port>/apis/ccompat/v7'),
    plain('registry', 'SCHEMA_REGISTRY_MANAGEMENT_PORT'),
    urlUse(settings, 'connect', 'CONNECT_URL', 'http://localhost:<free port>'),
    ...(system.mail
      ? [
          urlUse(settings, 'mail', 'SMTP_URL', 'smtp://localhost:<free port>', 'smtp:'),
          plain('mail', 'MAIL_WEB_PORT'),
        ]
      : []),
    ...system.services.map(({ name, portVariable }) => plain(name, portVariable)),
    plain('console', 'CONSOLE_PORT'),
    plain('watcher', 'WATCHER_PORT'),
  ];
  requireLocal('POSTGRES_HOST', setting(settings, 'POSTGRES_HOST'));
  for (const use of uses) {
    const other = uses.find((one) => one.port === use.port && one.variable !== use.variable);
    if (other) {
      throw new StackError(
        `Port ${use.port} is given twice, by ${use.variable} and ${other.variable}. Change one of them in .env.`,
      );
    }
  }
  return uses;
}

/** The port that a variable stands for. */
export function portOf(owner: PortOwner, variable: string): number {
  const use = portsOf(owner).find((one) => one.variable === variable);
  if (!use) throw new Error(`${variable} holds no port`);
  return use.port;
}

function brokerUse(settings: Settings): PortUse {
  const value = setting(settings, 'KAFKA_BROKERS');
  const [, host, port] = /^([^:,]+):(\d+)$/.exec(value) ?? [];
  if (!host || !port) {
    throw new StackError(
      `KAFKA_BROKERS=${value} cannot be run here: the native stack runs one broker, e.g. localhost:9092.`,
    );
  }
  requireLocal('KAFKA_BROKERS', host);
  return {
    component: 'kafka',
    port: portNumber('KAFKA_BROKERS', port),
    variable: 'KAFKA_BROKERS',
    example: 'localhost:<free port>',
  };
}

function urlUse(
  settings: Settings,
  component: string,
  variable: string,
  example: string,
  protocol = 'http:',
): PortUse {
  const value = setting(settings, variable);
  const url = URL.canParse(value) ? new URL(value) : undefined;
  // The value is not shown: a password may be in it.
  if (url?.protocol !== protocol) throw new StackError(`${variable} is not an URL like ${example}.`);
  if (url.username || url.password)
    throw new StackError(
      `${variable} has a user or a password, which no server of the native stack asks for.`,
    );
  requireLocal(variable, url.hostname);
  return { component, port: portNumber(variable, url.port || '80'), variable, example };
}

function portNumber(variable: string, value: string): number {
  const port = Number(value);
  if (!/^\d+$/.test(value) || port < 1 || port > 65535) {
    throw new StackError(`${variable}=${value} is not a port: give a number from 1 to 65535.`);
  }
  return port;
}

function requireLocal(variable: string, host: string): void {
  if (host === 'localhost' || host === '127.0.0.1') return;
  throw new StackError(
    `${variable} names the host ${host}, but the native stack runs on this machine: use localhost.`,
  );
}
