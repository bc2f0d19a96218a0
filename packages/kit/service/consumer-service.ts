import type { FastifyInstance } from 'fastify';
import { ConfigError, eventSettings, postgresSettings, type Settings, serviceSettings } from '../config.ts';
import { startConsumer } from '../consumer/consumer.ts';
import { type HandlersOf, handlersFor } from '../consumer/handle-batch.ts';
import { exposeDeadLetters } from '../consumer/metrics.ts';
import { keepInboxPruned } from '../consumer/prune-inbox.ts';
import { type ReplayFailures, replayRequestedDeadLetters } from '../consumer/replay-dead-letters.ts';
import { createDecoder } from '../contract/codec.ts';
import type { Contract, EventTopic } from '../contract/contract.ts';
import { httpAccess } from '../contract/http-access.ts';
import { createRegistry } from '../contract/registry.ts';
import type { ReadinessChecks } from '../http/http.ts';
import { kafkaAccess } from '../kafka/kafka-access.ts';
import { exposeOutbox } from '../outbox/metrics.ts';
import { createOutboxEncoder, type OutboxEncoder } from '../outbox/outbox.ts';
import { maintainOutbox } from '../outbox/outbox-maintenance.ts';
import { followSchemaIds } from '../outbox/schema-ids.ts';
import { type Database, type Db, openDatabase } from '../postgres/database.ts';
import { type DatabaseClock, followDatabaseClock } from '../postgres/database-clock.ts';
import { untilDone } from '../retry.ts';
import { every } from '../schedule.ts';
import { createLogger, type Logger } from '../telemetry/logger.ts';
import { describeProcess } from '../telemetry/metrics.ts';
import { startTracing, tracingSettings } from '../telemetry/start-tracing.ts';
import { exposeBacklog } from './backlog.ts';
import { type Defer, runService } from './lifecycle.ts';
import { retentionProblem, retentionSettings } from './retention.ts';

/** What every service that consumes takes from the environment, for `readConfig`. */
export const consumerServiceSettings = {
  ...serviceSettings,
  ...postgresSettings,
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
/** How long a request waits for a lock, ms: its caller would rather wait for a moment than be refused. */
const REQUEST_LOCK_TIMEOUT = 10_000;
/** How long a stop waits for statements under way, ms: with the rest it fits into the 9 s that a stop may take. */
const ANSWER_WITHIN = 4_000;

/** How soon a replay that somebody asked for begins, ms. */
const REPLAY_CHECK = 1_000;

/** What distinguishes one consuming service from another. */
export interface ConsumerServiceOptions<T extends EventTopic> {
  contract: Contract;
  /** Also the consumer group, e.g. `payment-service`. */
  name: string;
  database: string;
  /** Password of `<database>_app`. */
  password: string;
  port: number;
  /** The topics that it reads. */
  consumes: readonly T[];
  /** The topic that it writes, which has no other writer; without one it has no outbox. */
  publishes?: EventTopic;
  /** What its backlog (`observer.backlog`) is of, for the metrics, e.g. `emails`. */
  backlog?: string;
  settings: Settings<typeof consumerServiceSettings>;
}

/** What a service is composed of. */
export interface ConsumerServiceParts<T extends EventTopic> {
  /** Every event of its topics; `ignore` those for which it has nothing to do. */
  on: HandlersOf<T>;
  /** Called after each commit, e.g. to wake a worker. */
  onHandled?: () => void;
  buildApp(readiness: ReadinessChecks): FastifyInstance | Promise<FastifyInstance>;
}

/** What the parts are made with. */
export interface ConsumerServiceBase {
  /** For what is done again and again, and may wait. */
  housekeeping: Db;
  /** Opens connections for one purpose of its own, e.g. `worker`. */
  open(purpose: string, connections: number): Db;
  /** The same for a kind of request, e.g. `reads`: it waits longer for a lock. */
  openForRequests(purpose: string, connections: number): Db;
  clock: DatabaseClock;
  encode: OutboxEncoder;
  logger: Logger;
  defer: Defer;
}

/**
 * Runs a service that consumes topics into its own database, and may publish by its outbox, until a signal or a fatal
 * error. It starts with Kafka, the registry or the database away, and says in `/health/ready` what it waits for.
 *
 * @param compose makes the service's own parts, and defers the release of each
 */
export async function runConsumerService<T extends EventTopic>(
  options: ConsumerServiceOptions<T>,
  compose: (base: ConsumerServiceBase) => ConsumerServiceParts<T>,
): Promise<void> {
  const { contract, name, database, publishes, settings } = options;
  const logger = createLogger(name, settings.LOG_LEVEL);
  const kafka = kafkaAccess(settings);
  const problem = retentionProblem(
    settings,
    contract.topics.filter(({ name }) => options.consumes.some((topic) => topic === name)),
  );
  if (problem !== undefined) {
    throw new ConfigError(`Configuration: ${problem}. Every variable is described in .env.example.`);
  }
  describeProcess(name);
  await runService(logger, async (defer) => {
    const stopTracing = await startTracing(name, settings, logger);
    if (stopTracing) defer('tracing', stopTracing);
    const pools: Database[] = [];
    // Side by side: a server that answers nobody would make each of them wait.
    defer('database', () => Promise.all(pools.map((pool) => pool.close())));
    const openFor = (purpose: string, connections: number, lockTimeout?: number): Database => {
      const opened = openDatabase({
        host: settings.POSTGRES_HOST,
        port: settings.POSTGRES_PORT,
        ssl: settings.POSTGRES_SSLMODE === 'verify-full',
        database,
        user: `${database}_app`,
        password: options.password,
        applicationName: `${name} ${purpose}`,
        connections,
        ...(lockTimeout !== undefined && { lockTimeout }),
      });
      pools.push(opened);
      return opened;
    };
    const { ping } = openFor('probes', 1);
    defer('database check', refusePooler(ping));
    const { db: housekeeping } = openFor('housekeeping', HOUSEKEEPING_CONNECTIONS);
    const clock = followDatabaseClock(housekeeping, logger);
    defer('clock', clock.close);

    const registry = createRegistry({
      ...httpAccess(
        settings.SCHEMA_REGISTRY_URL,
        settings.SCHEMA_REGISTRY_USERNAME,
        settings.SCHEMA_REGISTRY_PASSWORD,
      ),
      clientId: name,
    });
    const schemaIds =
      publishes === undefined
        ? undefined
        : followSchemaIds({ db: housekeeping, registry, events: contract.eventsOf(publishes), logger });
    if (schemaIds) {
      defer('schema ids', schemaIds.close);
      defer('outbox maintenance', maintainOutbox(housekeeping, settings.OUTBOX_RETENTION_DAYS, logger));
      defer('outbox metrics', exposeOutbox(housekeeping, database));
    }
    defer('dead-letter metrics', exposeDeadLetters(housekeeping, database));
    if (options.backlog) defer('backlog metrics', exposeBacklog(housekeeping, database, options.backlog));
    const encode = createOutboxEncoder(contract, `/walpost/${name}`, (event) => {
      if (!schemaIds) throw new Error(`${name} publishes nothing, and ${event} was asked of it`);
      return schemaIds.idOf(event);
    });

    const parts = compose({
      housekeeping,
      open: (purpose, connections) => openFor(purpose, connections).db,
      openForRequests: (purpose, connections) => openFor(purpose, connections, REQUEST_LOCK_TIMEOUT).db,
      clock,
      encode,
      logger,
      defer,
    });
    const { onHandled, buildApp } = parts;
    const on = handlersFor(contract, options.consumes, parts.on);
    const decoder = createDecoder({ contract, registry });
    const failures: ReplayFailures = new Map();
    defer('inbox pruning', keepInboxPruned(housekeeping, settings.INBOX_RETENTION_DAYS, logger));
    defer(
      'dead-letter replay',
      every(REPLAY_CHECK, 'replay dead letters', logger, () =>
        replayRequestedDeadLetters({
          db: housekeeping,
          on,
          decoder,
          logger,
          failures,
        }),
      ),
    );
    const consumer = startConsumer({
      kafka,
      groupId: name,
      topics: [...options.consumes],
      on,
      decoder,
      db: openFor('consumer', CONSUMER_CONNECTIONS).db,
      logger,
      ...(onHandled && { onHandled }),
    });
    defer('consumer', consumer.close);

    const app = await buildApp({
      database: ping,
      ...(schemaIds && { 'schema ids': schemaIds.ready }),
      consumer: consumer.ready,
    });
    defer('http', () => app.close());
    // The other releases wait for what is under way; of a server that does not answer it would never end.
    defer('statements without an answer', () => {
      setTimeout(() => void Promise.all(pools.map((pool) => pool.close(0))), ANSWER_WITHIN).unref();
    });
    await app.listen({ host: settings.HOST, port: options.port });
  });
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
