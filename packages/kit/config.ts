import type { Contract, EventTopic } from './contract/contract.ts';
import { heartbeatTopic, type TopicSpec } from './contract/topics.ts';
import { ConfigError } from './errors.ts';

/** A request that has something happen: the console sends it at a rate, and a start shows it. */
export interface Sample {
  /** Where it is posted, e.g. `/shipments`. */
  readonly path: string;
  /** @param n counts the requests, from 0 on */
  body(n: number): object;
}

/** What the console, `walpost trace` and the metrics call a service's work. */
export interface Observe {
  /** What its work comes to, e.g. `parcels`; the name of its database when not given. */
  readonly effect?: string;
  /** What it still has to do by itself (`observer.backlog`), e.g. `parcels under way`. */
  readonly backlog?: string;
  /**
   * The command that has work tried again which was refused for good; a key after it means what is of that key. It is
   * `npx walpost retry <service>` where the service's migrations make the functions `refused(of_key text)`, which returns
   * `key text, what text, attempts integer, at timestamptz, answer text`, and `retry_refused(of_key text)`, which returns
   * how much is tried again.
   */
  readonly retry?: string;
  /** Its migrations make `observer.latest` and `observer.pending`: the newest keys, and those that are not done yet. */
  readonly latest?: true;
}

/** A service, as a project says it. What follows from its name is said only where it is to be another. */
export interface ServiceConfig {
  /** Where it listens, unless `<NAME>_PORT` says otherwise. */
  readonly port: number;
  /** The topic that it writes, by its outbox; a topic has one writer. */
  readonly publishes?: EventTopic;
  readonly consumes?: readonly EventTopic[];
  /** Of its own; the roles `<database>_owner` and `<database>_app` belong to it. Its name when not given. */
  readonly database?: string;
  /** Its consumer group, and its name in logs, metrics and `ce_source`. Its name when not given. */
  readonly group?: string;
  /** The program, from the project's folder: `services/<name>/main.ts` when not given. */
  readonly main?: string;
  readonly sample?: Sample;
  readonly observe?: Observe;
  /**
   * Its Postgres server is not the one of POSTGRES_HOST: `<NAME>_DATABASE_URL` says where it is, and to Kafka Connect
   * `<NAME>_POSTGRES_HOST`, `…_PORT`, `…_SSLMODE` and `…_CA_FILE`.
   */
  readonly server?: 'own';
  /** Settings of its connector that are to be other than Walpost's. */
  readonly connector?: Readonly<Record<string, string>>;
}

export type ServiceConfigs = Readonly<Record<string, ServiceConfig>>;

/** What a topic is to have other than all others. */
export interface TopicConfig {
  readonly partitions?: number;
  /** Kafka's settings of a topic, e.g. `retention.ms`. */
  readonly config?: Readonly<Record<string, string>>;
}

/** A service, with all that follows from its name. */
export interface Service {
  readonly name: string;
  readonly group: string;
  readonly database: string;
  readonly port: number;
  /** The variables that hold its port, its address, and the password of `<database>_app`. */
  readonly portVariable: string;
  readonly urlVariable: string;
  readonly passwordVariable: string;
  /** The variable that says where its database is, where it is not with those of all others. */
  readonly databaseUrlVariable: string;
  /** What the variables begin with that tell Kafka Connect of its Postgres server. */
  readonly serverPrefix: string;
  /** Whether that server is not the one of the others. */
  readonly hasOwnServer: boolean;
  readonly consumes: readonly EventTopic[];
  /** How its events leave: slot and publication have one name, which is the connector's with `_`. */
  readonly publishes?: {
    readonly topic: EventTopic;
    readonly connector: string;
    readonly slot: string;
    /** Settings of the connector in place of Walpost's. */
    readonly overrides: Readonly<Record<string, string>>;
  };
  readonly main: string;
  /** The folder of its migrations, from the project's. */
  readonly migrations: string;
  readonly sample?: Sample;
  readonly observe: Observe & { readonly effect: string };
}

/** A project, said once: what its services, the command line and the console are made of. */
export interface System<S extends ServiceConfigs = ServiceConfigs> {
  /** In `ce_source` and in titles. */
  readonly name: string;
  readonly contract: Contract;
  readonly services: readonly Service[];
  /** The topics of events, and of heartbeats, as they are to be. */
  readonly topics: readonly TopicSpec[];
  /** Whether a stack for development catches mail. */
  readonly mail: boolean;
  /** The command before a concept's name that shows it running. */
  readonly scenario?: string;
  service(name: keyof S & string): Service;
}

/** Parts of a stack, which no service can be named like. */
const RESERVED = [
  ...['postgres', 'kafka', 'registry', 'connect', 'mail', 'setup', 'services', 'console', 'watcher'],
  ...['topics', 'schemas', 'connectors', 'walpost', 'secrets'],
];
const RESERVED_DATABASES = ['postgres', 'registry', 'template0', 'template1'];

/**
 * Says a project once, in its `walpost.config.ts`.
 *
 * @throws {ConfigError} naming each place that is wrong
 */
export function defineConfig<const S extends ServiceConfigs>(config: {
  /** Letters, digits and hyphens, e.g. `parcels`. */
  name: string;
  contract: Contract;
  services: S;
  topics?: { readonly [T in EventTopic]?: TopicConfig };
  /** Has `npm start` catch mail and show it on a page (MailDev, a package of the project's own). */
  mail?: true;
  /** The command that, with the name of a concept of the console's page behind it, shows it running. */
  scenario?: string;
}): System<S> {
  const { name, contract, scenario, topics: changed = {} } = config;
  const services = Object.entries(config.services).map(([each, given]) => complete(each, given));
  const problems = [
    ...(isName(name) ? [] : [`name: "${name}" is not lower-case letters, digits and hyphens`]),
    ...services.flatMap((service) => problemsOf(service, services, contract)),
    ...Object.keys(changed)
      .filter((topic) => !contract.topics.some((each) => each.name === topic))
      .map((topic) => `topics: ${unknownTopic(topic, contract)}`),
  ];
  if (problems.length > 0) throw new ConfigError(`walpost.config.ts: ${problems.join('; ')}`);
  const changes: Readonly<Record<string, TopicConfig | undefined>> = changed;
  const topics = contract.topics.map((topic) => ({
    name: topic.name,
    partitions: changes[topic.name]?.partitions ?? topic.partitions,
    config: { ...topic.config, ...changes[topic.name]?.config },
  }));
  const heartbeats = services.flatMap(({ publishes }) => publishes?.connector ?? []).map(heartbeatTopic);
  return {
    name,
    contract,
    services,
    topics: [...topics, ...heartbeats],
    mail: config.mail ?? false,
    ...(scenario !== undefined && { scenario }),
    service: (wanted) => {
      const found = services.find((service) => service.name === wanted);
      if (found) return found;
      const names = services.map((service) => service.name).join(', ');
      throw new ConfigError(`walpost.config.ts has no service ${wanted}; it has ${names || 'none'}`);
    },
  };
}

function complete(name: string, given: ServiceConfig): Service {
  const { port, publishes, consumes = [], sample, observe } = given;
  const database = given.database ?? name.replaceAll('-', '_');
  const variable = (of: string) => of.replaceAll('-', '_').toUpperCase();
  return {
    name,
    group: given.group ?? name,
    database,
    port,
    portVariable: `${variable(name)}_PORT`,
    urlVariable: `${variable(name)}_URL`,
    passwordVariable: `${variable(database)}_PASSWORD`,
    databaseUrlVariable: `${variable(name)}_DATABASE_URL`,
    hasOwnServer: given.server === 'own',
    serverPrefix: given.server === 'own' ? `${variable(name)}_POSTGRES` : 'POSTGRES',
    consumes,
    ...(publishes && {
      publishes: {
        topic: publishes,
        connector: `${name}-outbox`,
        slot: `${name.replaceAll('-', '_')}_outbox`,
        overrides: given.connector ?? {},
      },
    }),
    main: given.main ?? `services/${name}/main.ts`,
    migrations: `services/${name}/migrations`,
    ...(sample && { sample }),
    observe: { effect: database, ...observe },
  };
}

function problemsOf(service: Service, all: readonly Service[], contract: Contract): string[] {
  const { name, database, port, publishes, consumes } = service;
  const known = (topic: string) => contract.topics.some((each) => each.name === topic);
  const problems = [];
  if (!isName(name)) problems.push('a name is lower-case letters, digits and hyphens');
  if (RESERVED.includes(name)) problems.push('a part of the stack has this name');
  if (!/^[a-z][a-z0-9_]*$/.test(database))
    problems.push(`database: "${database}" is not lower-case letters, digits and _`);
  if (RESERVED_DATABASES.includes(database)) problems.push(`database: ${database} is not a service's`);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) problems.push(`port: ${port} is not a port`);
  for (const topic of consumes.filter((each) => !known(each)))
    problems.push(`consumes: ${unknownTopic(topic, contract)}`);
  if (publishes && !known(publishes.topic))
    problems.push(`publishes: ${unknownTopic(publishes.topic, contract)}`);
  // Said of the later one of two.
  for (const other of all.slice(0, all.indexOf(service))) {
    if (other.port === port) problems.push(`port: ${other.name} has ${port} too`);
    if (other.database === database) problems.push(`database: ${other.name} has ${database} too`);
    if (other.group === service.group) problems.push(`group: ${other.name} has ${service.group} too`);
    if (publishes && other.publishes?.topic === publishes.topic)
      problems.push(`publishes: ${other.name} writes ${publishes.topic} already, and a topic has one writer`);
  }
  return problems.map((problem) => `service ${name}: ${problem}`);
}

function unknownTopic(topic: string, { topics }: Contract): string {
  return `the contract has no topic ${topic}; it has ${topics.map(({ name }) => name).join(', ') || 'none'}`;
}

function isName(text: string): boolean {
  return /^[a-z][a-z0-9-]*$/.test(text);
}
