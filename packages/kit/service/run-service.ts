import type { FastifyInstance } from 'fastify';
import type { TProperties } from 'typebox';
import { registryAccess } from '../api-access.ts';
import type { ServiceConfig, ServiceConfigs, System } from '../config.ts';
import { startConsumer } from '../consumer/consumer.ts';
import { type Handlers, type HandlersOf, handlersFor } from '../consumer/handle-batch.ts';
import { exposeDeadLetters } from '../consumer/metrics.ts';
import { keepInboxPruned } from '../consumer/prune-inbox.ts';
import type { ReceivedEvent } from '../consumer/receive.ts';
import { type ReplayFailures, replayRequestedDeadLetters } from '../consumer/replay-dead-letters.ts';
import { createDecoder } from '../contract/codec.ts';
import type { DomainEvent, EventData, EventName, EventOf, EventTopic } from '../contract/contract.ts';
import { createRegistry } from '../contract/registry.ts';
import { eventSettings, Port, readConfig, type Settings, serviceSettings } from '../environment.ts';
import { ConfigError } from '../errors.ts';
import { type App, createApp, type ReadinessChecks } from '../http/http.ts';
import { traceparentOf } from '../http/trace-requests.ts';
import { kafkaAccess } from '../kafka/kafka-access.ts';
import { exposeOutbox } from '../outbox/metrics.ts';
import { createOutboxEncoder, type OutboxEncoder, publish } from '../outbox/outbox.ts';
import { maintainOutbox } from '../outbox/outbox-maintenance.ts';
import { followSchemaIds } from '../outbox/schema-ids.ts';
import { type Database, type Db, openDatabase, type Tx } from '../postgres/database.ts';
import { type DatabaseClock, followDatabaseClock } from '../postgres/database-clock.ts';
import { databaseOf, requirePassword } from '../postgres/server-of.ts';
import { untilDone } from '../retry.ts';
import { every } from '../schedule.ts';
import { createLogger, type Logger } from '../telemetry/logger.ts';
import { describeProcess } from '../telemetry/metrics.ts';
import { startTracing, tracingSettings } from '../telemetry/start-tracing.ts';
import { childTraceparent } from '../telemetry/trace.ts';
import { exposeBacklog } from './backlog.ts';
import { type Defer, runMain, runProcess } from './lifecycle.ts';
import { retentionProblem, retentionSettings } from './retention.ts';

/** What every service takes from the environment. */
const settings = {
  ...serviceSettings,
  ...eventSettings,
  ...tracingSettings,
  ...retentionSettings,
};

/**
 * How many connections each purpose gets. They are kept apart so that none waits for what another does: whatever holds a
 * row, a table or a connection stops what needs just that, and no more. docs/operations.md counts them.
 */
const CONSUMER_CONNECTIONS = 4;
const HOUSEKEEPING_CONNECTIONS = 4;
const REQUEST_CONNECTIONS = 5;
/** How long a request waits for a lock, ms: its caller would rather wait for a moment than be refused. */
const REQUEST_LOCK_TIMEOUT = 10_000;
/** How long a stop waits for statements under way, ms: with the rest it fits into the 9 s that a stop may take. */
const ANSWER_WITHIN = 4_000;

/** How soon a replay that somebody asked for begins, ms. */
const REPLAY_CHECK = 1_000;

/** What caused an event: the request, or the event, that is answered by it. */
export type Cause = Parameters<typeof traceparentOf>[0] | Pick<ReceivedEvent, 'traceparent'>;

/** An event to be written, of one of the names. */
export type NewEvent<N extends EventName> = {
  [K in N]: {
    readonly type: K;
    readonly data: EventData[K];
    /** Whose it is: the record's key. Events of one key keep their order. */
    readonly key: string;
    /** 1, 2, 3 … without a gap for one key in one topic. */
    readonly version: number;
    readonly cause?: Cause;
    /** When it happened, by the database's clock; now when not given. */
    readonly time?: Date;
  };
}[N];

type ConsumedBy<C extends ServiceConfig> = C extends { consumes: readonly (infer T extends EventTopic)[] }
  ? T
  : never;
type PublishedBy<C extends ServiceConfig> = C extends { publishes: infer T extends EventTopic }
  ? EventOf<T>
  : never;

/** What a service is composed of. */
export type ServiceParts<C extends ServiceConfig> = {
  /** Called after each commit, e.g. to wake a worker. */
  onHandled?: () => void;
  /** Adds what the service answers by HTTP. */
  routes?: (app: App) => void;
  /** In place of `routes`: makes the whole application, with checks of its own. */
  buildApp?: (readiness: ReadinessChecks) => FastifyInstance | Promise<FastifyInstance>;
} & ([ConsumedBy<C>] extends [never]
  ? { on?: 'it consumes nothing, says walpost.config.ts' }
  : {
      /** Every event of the topics that it consumes; `ignore` those for which it has nothing to do. */
      on: HandlersOf<ConsumedBy<C>>;
    });

/** What the parts are made with. */
export interface ServiceBase<N extends EventName = EventName, E = unknown> {
  /** For requests; opened when it is first used. */
  readonly db: Db;
  /** For what is done again and again, and may wait. */
  housekeeping: Db;
  /** Opens connections for one purpose of its own, e.g. `worker`. */
  open(purpose: string, connections: number): Db;
  /** The same for a kind of request, e.g. `reads`: it waits longer for a lock. */
  openForRequests(purpose: string, connections: number): Db;
  /**
   * Writes events into the outbox, in the transaction of what they report.
   *
   * @throws {EventTooLargeError} before anything is written
   * @throws {SchemaIdUnknownError} before the first contact with the registry
   */
  publish<K extends N>(tx: Tx, ...events: readonly NewEvent<K>[]): Promise<void>;
  /** Turns an event into an outbox row, for statements of one's own. */
  encode: OutboxEncoder<N>;
  clock: DatabaseClock;
  /** The variables that were asked for. */
  env: E;
  logger: Logger;
  defer: Defer;
}

/**
 * Runs a service of a system until a signal or a fatal error: it consumes its topics into its own database, and publishes
 * by its outbox. It starts with Kafka, the registry or the database away, and says in `/health/ready` what it waits for.
 * A wrong configuration ends in one line, with exit code 1.
 *
 * @param name as in `walpost.config.ts`
 * @param compose makes the service's own parts, and defers the release of each
 * @param variables that the service reads besides, with their TypeBox schemas; they are in `env`
 */
export async function runService<
  S extends ServiceConfigs,
  K extends keyof S & string,
  V extends TProperties = Record<never, never>,
>(
  system: System<S>,
  name: K,
  compose: (base: ServiceBase<PublishedBy<S[K]>, Settings<V>>) => ServiceParts<S[K]>,
  variables?: V,
): Promise<void> {
  await runMain(() => start(system, name, compose as Compose, variables ?? {}));
}

/** The types above say to the compiler what the contract says to this function. */
type Compose = (base: ServiceBase) => Omit<ServiceParts<ServiceConfig>, 'on'> & { on?: Handlers };

async function start(system: System, name: string, compose: Compose, variables: TProperties): Promise<void> {
  const { contract } = system;
  const service = system.service(name);
  const { group, database, publishes, consumes, port, portVariable, observe } = service;
  const config = readConfig(settings, process.env);
  const own = readConfig({ [portVariable]: Port(port), ...variables }, process.env) as Record<
    string,
    unknown
  >;
  const found = databaseOf(service, process.env);
  const access = { ...found.server, database, password: requirePassword(service, found) };
  const logger = createLogger(group, config.LOG_LEVEL);
  const kafka = kafkaAccess(config);
  const registryAt = registryAccess(config);
  const problem = retentionProblem(
    config,
    system.topics.filter((topic) => consumes.some((each) => each === topic.name)),
  );
  if (problem !== undefined) {
    throw new ConfigError(`Configuration: ${problem}. Every variable is described in .env.example.`);
  }
  describeProcess(group);
  await runProcess(logger, async (defer) => {
    const stopTracing = await startTracing(group, config, logger, connectorOf(system));
    if (stopTracing) defer('tracing', stopTracing);
    const pools: Database[] = [];
    // Side by side: a server that answers nobody would make each of them wait.
    defer('database', () => Promise.all(pools.map((pool) => pool.close())));
    const openFor = (purpose: string, connections: number, lockTimeout?: number): Database => {
      const opened = openDatabase({
        ...access,
        user: `${database}_app`,
        applicationName: `${group} ${purpose}`,
        connections,
        ...(lockTimeout !== undefined && { lockTimeout }),
      });
      pools.push(opened);
      return opened;
    };
    const openForRequests = (purpose: string, connections: number) =>
      openFor(purpose, connections, REQUEST_LOCK_TIMEOUT).db;
    const { ping } = openFor('probes', 1);
    defer('database check', refusePooler(ping));
    const { db: housekeeping } = openFor('housekeeping', HOUSEKEEPING_CONNECTIONS);
    const clock = followDatabaseClock(housekeeping, logger);
    defer('clock', clock.close);

    const registry = createRegistry({
      ...registryAt,
      clientId: group,
    });
    const schemaIds =
      publishes === undefined
        ? undefined
        : followSchemaIds({ db: housekeeping, registry, events: contract.eventsOf(publishes.topic), logger });
    if (schemaIds) {
      defer('schema ids', schemaIds.close);
      defer('outbox maintenance', maintainOutbox(housekeeping, config.OUTBOX_RETENTION_DAYS, logger));
      defer('outbox metrics', exposeOutbox(housekeeping, database));
    }
    defer('dead-letter metrics', exposeDeadLetters(housekeeping, database));
    if (observe.backlog) defer('backlog metrics', exposeBacklog(housekeeping, database, observe.effect));
    const encode = createOutboxEncoder(contract, `/${system.name}/${group}`, (event) => {
      if (!schemaIds) throw new Error(`${name} publishes nothing, and ${event} was asked of it`);
      return schemaIds.idOf(event);
    });
    let requests: Db | undefined;

    const parts = compose({
      get db() {
        requests ??= openForRequests('requests', REQUEST_CONNECTIONS);
        return requests;
      },
      housekeeping,
      open: (purpose, connections) => openFor(purpose, connections).db,
      openForRequests,
      publish: (tx, ...events) =>
        publish(
          tx,
          events.map(({ key, version, cause, time = clock.now(), ...event }) =>
            encode(event as DomainEvent, {
              aggregateId: key,
              version,
              traceparent: traceparentFor(cause),
              time,
            }),
          ),
        ),
      encode,
      clock,
      env: own,
      logger,
      defer,
    });
    const { onHandled } = parts;
    const buildApp =
      parts.buildApp ??
      (async (readiness) => {
        const app = await createApp({ title: `${system.name} ${name}`, logger, readiness });
        parts.routes?.(app);
        return app;
      });
    const consumer = consumes.length === 0 ? undefined : consume(handlersFor(contract, consumes, parts.on));

    function consume(on: Handlers) {
      const decoder = createDecoder({ contract, registry });
      const failures: ReplayFailures = new Map();
      defer('inbox pruning', keepInboxPruned(housekeeping, config.INBOX_RETENTION_DAYS, logger));
      defer(
        'dead-letter replay',
        every(REPLAY_CHECK, 'replay dead letters', logger, () =>
          replayRequestedDeadLetters({ db: housekeeping, on, decoder, logger, failures }),
        ),
      );
      const started = startConsumer({
        kafka,
        groupId: group,
        topics: [...consumes],
        on,
        decoder,
        db: openFor('consumer', CONSUMER_CONNECTIONS).db,
        logger,
        ...(onHandled && { onHandled }),
      });
      defer('consumer', started.close);
      return started;
    }

    const app = await buildApp({
      database: ping,
      ...(schemaIds && { 'schema ids': schemaIds.ready }),
      ...(consumer && { consumer: consumer.ready }),
    });
    defer('http', () => app.close());
    // The other releases wait for what is under way; of a server that does not answer it would never end.
    defer('statements without an answer', () => {
      setTimeout(() => void Promise.all(pools.map((pool) => pool.close(0))), ANSWER_WITHIN).unref();
    });
    await app.listen({ host: config.HOST, port: Number(own[portVariable]) });
  });
}

/** The connector that posts the events of a topic. */
function connectorOf({ services }: System): (topic: string) => string {
  const connectors = new Map(
    services.flatMap(({ publishes }) =>
      publishes ? [[publishes.topic as string, publishes.connector]] : [],
    ),
  );
  return (topic) => connectors.get(topic) ?? topic;
}

/** The `traceparent` of what a cause gives rise to. */
function traceparentFor(cause: Cause | undefined): string {
  if (cause && 'headers' in cause) return traceparentOf(cause);
  return childTraceparent(cause?.traceparent);
}

/**
 * Ends the service when somebody is between it and its database who does not keep a session: it would work for a
 * while, and not be what it promises. A database that is away is waited for.
 *
 * @returns stops looking
 */
function refusePooler(ping: () => Promise<void>): () => Promise<void> {
  const stopping = new AbortController();
  const looking = untilDone(ping, stopping.signal, (error) => {
    if (error instanceof ConfigError) throw error;
  });
  return async () => {
    stopping.abort();
    // A rejection has ended the service already.
    await Promise.allSettled([looking]);
  };
}
