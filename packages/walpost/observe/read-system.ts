import type { HttpAccess } from '@walpost/kit/contract/http-access';
import { readSlots } from '@walpost/kit/outbox/read-slots';
import { milliseconds, type RowOf } from '@walpost/kit/postgres/rows';
import type { Source } from '@walpost/kit/telemetry/attempt';
import { type SQL, sql } from 'drizzle-orm';
import type { GroupProgress } from './describe-group.ts';
import type { Observed } from './observed-service.ts';
import { readConnectors } from './read-connectors.ts';
import { readCounters } from './read-counters.ts';
import { readOpenDeadLetters } from './read-dead-letters.ts';
import { readOutbox } from './read-outbox.ts';
import type { TopicView } from './read-topics.ts';
import type { Head, Heads, ServiceState, SystemView } from './system-view.ts';

/** Everything that knows how the system is. */
export interface SystemSources {
  readonly observed: readonly Observed[];
  /** Kafka, by somebody who has a connection. */
  readonly kafka: {
    groups(names: readonly string[]): Promise<GroupProgress[]>;
    topics(): Promise<TopicView[]>;
  };
  readonly connect: HttpAccess;
}

/**
 * Asks one source, see `attempt`.
 *
 * @param key distinguishes questions to the same source
 */
export type AskSource = <T>(what: string, question: () => Promise<T>, key?: string) => Promise<Source<T>>;

/** At most so many dead letters of a service are read. */
const DEAD_LETTERS = 50;
/** And so many keys of each kind. */
const HEADS = 8;

/** Asks everybody at once how the system is; who does not answer is an answer too. */
export async function readSystem(
  { observed, kafka, connect }: SystemSources,
  ask: AskSource,
): Promise<SystemView> {
  // Whoever reads nothing is in no group.
  const names = observed.flatMap(({ service }) => (service.consumes.length > 0 ? service.name : []));
  // Any database of a server shows all of its slots.
  const firsts = new Map(observed.toReversed().map(({ server, db }) => [server, db]));
  const origin = observed.find(({ service }) => service.latest);
  const [services, slots, connectors, topics, groups, heads] = await Promise.all([
    Promise.all(observed.map((each) => readService(each, ask))),
    ask('slots', async () => (await Promise.all([...firsts.values()].map(readSlots))).flat()),
    ask('connectors', () => readConnectors(connect)),
    ask('Kafka', () => kafka.topics(), 'topics'),
    ask('Kafka', () => kafka.groups(names), 'groups'),
    origin ? ask(`latest keys in database ${origin.service.database}`, () => readHeads(origin)) : null,
  ]);
  return { at: Date.now(), services, slots, connectors, topics, groups, heads };
}

async function readService(observed: Observed, ask: AskSource): Promise<ServiceState> {
  const { name, shortName, database, publishes = null } = observed.service;
  const [counters, deadLetters, outbox] = await Promise.all([
    ask(`database ${database}`, () => readCounters(observed)),
    ask(`dead letters in database ${database}`, () => readOpenDeadLetters(observed.db, DEAD_LETTERS)),
    publishes && ask(`outbox in database ${database}`, () => readOutbox(observed.db, publishes.slot)),
  ]);
  return { name, shortName, publishes, counters, deadLetters, outbox };
}

/** The latest keys of a service that says `latest` of itself, and those that have been pending for longest. */
export async function readHeads({ service: { effect }, db }: Observed): Promise<Heads> {
  const select = (heads: SQL) =>
    db.execute<RowOf<Head>>(sql`select key, status, ${milliseconds('at')} as at from ${heads}`);
  const [latest, pending] = await Promise.all([
    select(sql`observer.latest(${HEADS})`),
    select(sql`observer.pending(${HEADS})`),
  ]);
  return { effect, latest: [...latest], pending: [...pending] };
}
