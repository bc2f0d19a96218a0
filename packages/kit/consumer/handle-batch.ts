import { and, eq, sql } from 'drizzle-orm';
import type { Contract, EventName, EventOf, EventTopic } from '../contract/contract.ts';
import { ConfigError } from '../errors.ts';
import type { Db, Tx } from '../postgres/database.ts';
import { isAnyOf } from '../postgres/is-any-of.ts';
import { inbox } from '../postgres/tables.ts';
import { withinTrace } from '../telemetry/trace.ts';
import { type DeadLetter, keysOf, openKeys, topicOf, writeDeadLetters } from './dead-letters.ts';
import { groupByType } from './group-by-type.ts';
import { MessageError, type Received, type ReceivedEvent } from './receive.ts';
import { type SequenceAnomaly, sequenceAnomalies } from './sequence-anomalies.ts';

/**
 * Writes the effects of several events of one type, in their order, in the transaction that marks them as seen. No call
 * to the outside belongs in it: record what is to be done.
 *
 * @param batch all events of the transaction: what takes locks takes them for all of these at once, in one order, so
 * that transactions of other partitions never wait for each other in a circle
 */
export type Handler<N extends EventName> = (
  tx: Tx,
  events: ReceivedEvent<N>[],
  batch: ReceivedEvent[],
) => Promise<void>;

/** What a service does about events, by their type. Any other type is an error: see {@link ignore}. */
export type Handlers = { [N in EventName]?: Handler<N> };

/** The same for all events of the topics that it reads, each of which is named. */
export type HandlersOf<T extends EventTopic> = { [N in EventOf<T>]: Handler<N> };

/** The handler of an event that its service knows and has nothing to do for. */
export const ignore = async (): Promise<void> => undefined;

/**
 * The handlers of a service, which must have one for each event of its topics. The types say so already, to who has them.
 *
 * @throws {ConfigError} that names the forgotten events: each would become a dead letter
 */
export function handlersFor(
  contract: Contract,
  topics: readonly EventTopic[],
  handlers: Handlers = {},
): Handlers {
  const forgotten = topics.flatMap(contract.eventsOf).filter(({ name }) => !handlers[name]);
  if (forgotten.length === 0) return handlers;
  const names = forgotten.map(({ topic, name }) => `${name} of ${topic}`).join(', ');
  throw new ConfigError(`Nothing is done about ${names}: give \`on\` a handler for it, or \`ignore\` it.`);
}

/** What became of a batch. */
export interface BatchResult {
  handled: ReceivedEvent[];
  duplicates: number;
  /** Records set aside, dead or parked. */
  deadLetters: DeadLetter[];
  anomalies: SequenceAnomaly[];
}

/**
 * Acts on records of one topic once, those of each key in their order, and in one transaction: what the inbox does not
 * know yet is handled; what cannot be read becomes a dead letter; what follows an open dead letter of its key is
 * parked.
 *
 * @throws what a handler or the database throws; nothing of the batch is written then
 */
export async function handleBatch(db: Db, on: Handlers, batch: Received[]): Promise<BatchResult> {
  return db.transaction((tx) => handleRecords(tx, on, batch));
}

/**
 * The same in a transaction of the caller's. A replayed record has been seen before, its key's open dead letter is its
 * own, and later versions of its key have come meanwhile: it is handled all the same.
 */
export async function handleRecords(
  tx: Tx,
  on: Handlers,
  batch: Received[],
  isReplay = false,
): Promise<BatchResult> {
  // Sent together, answered together, in this order: one round trip.
  const [versions, claimed, blocked] = await Promise.all([
    isReplay ? undefined : lastVersions(tx, batch),
    claim(tx, batch),
    isReplay ? new Set<string>() : openKeys(tx, batch),
  ]);
  const news = batch.filter(({ id }) => isReplay || id === undefined || claimed.delete(id));
  const fresh: ReceivedEvent[] = [];
  const deadLetters: DeadLetter[] = [];
  for (const received of news) {
    if ('error' in received.result) {
      deadLetters.push({ received, state: 'dead', ...received.result });
      if (received.key !== undefined) blocked.add(received.key);
    } else if (blocked.has(received.result.event.key)) {
      deadLetters.push({ received, state: 'parked', error: undefined, attempts: 0 });
    } else {
      fresh.push(received.result.event);
    }
  }
  if (news.length < batch.length) await rememberLonger(tx, batch);
  await writeDeadLetters(tx, deadLetters);
  for (const group of groupByType(fresh)) await handle(tx, on, group, fresh);
  const anomalies = versions ? sequenceAnomalies(versions, news.flatMap(keyAndVersion)) : [];
  return { handled: fresh, duplicates: batch.length - news.length, deadLetters, anomalies };
}

/**
 * Handles events of one type.
 *
 * @param batch all events of the transaction
 * @throws {MessageError} for a type without a handler
 * @throws what the handler throws
 */
export async function handle(
  tx: Tx,
  on: Handlers,
  group: ReceivedEvent[],
  batch: ReceivedEvent[],
): Promise<void> {
  const type = group[0]?.type;
  if (!type) return;
  const handler = on[type] as Handler<EventName> | undefined;
  if (!handler) throw new MessageError('unhandled-type', `this service neither handles nor ignores ${type}`);
  // Of several events the first, as with a statement that writes several rows.
  await withinTrace(group[0]?.traceparent, () => handler(tx, group, batch));
}

function keyAndVersion({ key, version }: Received): { key: string; version: number }[] {
  return key === undefined || version === undefined ? [] : [{ key, version }];
}

/** Writes inbox rows for the records that have none. @returns the ids that are new */
async function claim(tx: Tx, batch: Received[]): Promise<Set<string>> {
  const known = batch.filter(({ id }) => id !== undefined);
  const rows = await tx
    .insert(inbox)
    .select(
      sql`select id, ${topicOf(batch)}::text, key, version, now() from unnest(
          ${sql.param(known.map(({ id }) => id))}::uuid[],
          ${sql.param(known.map(({ key }) => key ?? ''))}::text[],
          ${sql.param(known.map(({ version }) => version ?? 0))}::integer[]
        ) as record (id, key, version)`,
    )
    .onConflictDoNothing()
    .returning({ id: inbox.eventId })
    .prepare('claim')
    .execute();
  return new Set(rows.map(({ id }) => id));
}

/** What comes again may come once more: its retention starts again, to the hour. */
async function rememberLonger(tx: Tx, batch: Received[]): Promise<void> {
  await tx
    .update(inbox)
    .set({ receivedAt: sql`now()` })
    .where(
      and(
        isAnyOf(
          inbox.eventId,
          batch.flatMap(({ id }) => id ?? []),
        ),
        sql`${inbox.receivedAt} < now() - interval '1 hour'`,
      ),
    )
    .prepare('remember_longer')
    .execute();
}

/** The highest version of each key in the inbox. */
async function lastVersions(tx: Tx, batch: Received[]): Promise<Map<string, number>> {
  const rows = await tx
    .select({ key: inbox.key, version: sql`max(${inbox.version})`.mapWith(Number) })
    .from(inbox)
    .where(and(eq(inbox.topic, topicOf(batch)), isAnyOf(inbox.key, keysOf(batch))))
    .groupBy(inbox.key)
    .prepare('last_versions')
    .execute();
  return new Map(rows.map(({ key, version }) => [key, version]));
}
