import type { HttpAccess } from '@walpost/kit/contract/http-access';
import type { OpenTransaction } from '@walpost/kit/kafka/requests';
import { readSlots, type Slot } from '@walpost/kit/outbox/read-slots';
import { milliseconds } from '@walpost/kit/postgres/rows';
import type { Source } from '@walpost/kit/telemetry/attempt';
import { attempt } from '@walpost/kit/telemetry/attempt';
import { sql } from 'drizzle-orm';
import { validate as isUuid } from 'uuid';
import { fetchOffsets, lookUpGroup } from '../observe/describe-group.ts';
import { findRecords } from '../observe/find-records.ts';
import type { EffectRow, Observed, ObservedService } from '../observe/observed-service.ts';
import { readConnectors } from '../observe/read-connectors.ts';
import { readDeadLettersOfKey } from '../observe/read-dead-letters.ts';
import { shellWord } from '../observe/shell-word.ts';
import {
  type Delivery,
  isOver,
  type Timeline,
  type TimelineEvent,
  type TimelineRecord,
  type WaitingGroup,
} from '../observe/timeline.ts';
import type { KafkaClients, TopicReader } from '../observe/topic-reader.ts';

/** Everything that knows something of a key. */
export interface TimelineSources {
  readonly services: readonly Observed[];
  readonly kafka: Source<KafkaClients & { reader: TopicReader }>;
  readonly connect: HttpAccess;
}

type EventRow = Pick<TimelineEvent, 'id' | 'type' | 'version' | 'writtenAt'> & { traceparent: string };

/** What one service's database says of a key; null for what it does not answer. */
type Traces = {
  readonly [Q in keyof ReturnType<typeof questionsOf>]: Awaited<
    ReturnType<ReturnType<typeof questionsOf>[Q]>
  > | null;
};

/**
 * Follows one key through databases, topics and groups. What is not answered is named in `problems`, and the rest is
 * told all the same.
 *
 * @param given any text; of a UUID the letters are small, as in the key of an event
 */
export async function traceKey(sources: TimelineSources, given: string): Promise<Timeline> {
  const key = isUuid(given) ? given.toLowerCase() : given;
  const problems: string[] = [];
  const unlessFailed = <T>(source: Source<T>): T | null => {
    if ('value' in source) return source.value;
    problems.push(source.error);
    return null;
  };
  const known = await Promise.all(
    sources.services.map(async (observed) => ({
      service: observed.service,
      ...(await readTraces(observed, key)),
    })),
  );
  problems.push(...known.flatMap((each) => each.problems));
  const written = known
    .flatMap(({ traces }) => traces.events ?? [])
    .sort((a, b) => a.writtenAt - b.writtenAt);

  const kafka = unlessFailed(sources.kafka);
  const records = new Map<string, TimelineRecord>();
  const openTransactions: OpenTransaction[] = [];
  const [slots, connectors] = await Promise.all([
    anySlots(sources.services),
    attempt('connectors', () => readConnectors(sources.connect)),
    ...[...new Set(written.map(({ topic }) => topic))].map(async (topic) => {
      if (!kafka) return;
      const events = written.filter((event) => event.topic === topic);
      const since = Math.min(...events.map(({ writtenAt }) => writtenAt));
      const search = { topic, key, since, wanted: events.map(({ id }) => id) };
      const result = unlessFailed(
        await attempt(`topic ${topic}`, () => findRecords(kafka, kafka.reader, search)),
      );
      if (result && !result.complete) problems.push(`topic ${topic}: could not be read to its end in time`);
      for (const [id, record] of result?.found ?? []) records.set(id, record);
      if (result?.open) openTransactions.push(result.open);
    }),
  ]);

  const events: TimelineEvent[] = written.map((event) => ({
    ...event,
    record: records.get(event.id) ?? null,
    deliveries: known
      .filter(({ service }) => service.consumes.includes(event.topic))
      .map(({ service, traces }) => deliveryOf(service, traces, event.id)),
  }));
  const waiting = kafka && unlessFailed(await attempt('Kafka', () => withGroups(kafka, events)));
  return {
    key,
    events: waiting?.events ?? events,
    misrouted: known.flatMap(({ service: { name: group, shortName }, traces }) =>
      (traces.deadLetters ?? [])
        .filter(({ identity, state }) => state !== 'replayed' && written.every(({ id }) => id !== identity))
        .map((deadLetter) => ({ group, shortName, deadLetter })),
    ),
    effects: known.map(({ service, traces }) => ({ service: service.name, rows: traces.effects ?? [] })),
    slots: unlessFailed(slots),
    connectors: unlessFailed(connectors),
    groups: waiting?.groups ?? [],
    openTransactions,
    kafka: waiting !== null,
    problems: [...new Set(problems)],
  };
}

/** Asks one service's database; a question that it refuses is named in `problems`, and hides no other. */
export async function readTraces(
  observed: Observed,
  key: string,
): Promise<{ traces: Traces; problems: string[] }> {
  const questions = questionsOf(observed, key);
  const problems: string[] = [];
  const ask = async <T>(question: () => Promise<T>): Promise<T | null> => {
    const source = await attempt(`database ${observed.service.database}`, question);
    if ('value' in source) return source.value;
    problems.push(source.error);
    return null;
  };
  const [events, handled, deadLetters, effects] = await Promise.all([
    ask(questions.events),
    ask(questions.handled),
    ask(questions.deadLetters),
    ask(questions.effects),
  ]);
  return { traces: { events, handled, deadLetters, effects }, problems };
}

/** What is asked of one service's database about a key. Each question throws the driver's error. */
export function questionsOf({ service, db }: Observed, key: string) {
  const { publishes, retry } = service;
  return {
    events: async () => {
      if (!publishes) return [];
      const rows = await db.execute<EventRow>(sql`
        select id::text, type, version, traceparent, ${milliseconds('written_at')} as "writtenAt"
        from observer.events(${key})`);
      return rows.map(({ traceparent, type, ...row }) => ({
        ...row,
        ...publishes,
        type: type.slice(type.lastIndexOf('.') + 1),
        service: service.name,
        traceId: traceparent.split('-')[1] ?? null,
      }));
    },
    handled: async () => {
      const rows = await db.execute<{ id: string; at: number }>(
        sql`select event_id::text as id, ${milliseconds('received_at')} as at from observer.handled(${key})`,
      );
      return new Map(rows.map(({ id, at }) => [id, at]));
    },
    deadLetters: () => readDeadLettersOfKey(db, key),
    effects: async () => {
      const rows = await db.execute<Omit<EffectRow, 'help'> & Record<string, unknown>>(
        sql`select what, ${milliseconds('at')} as at, state, note from observer.timeline(${key})`,
      );
      return rows.map(({ what, at, state, note }): EffectRow => {
        const help = state === 'failed' && retry ? `${retry} ${shellWord(key)} --yes` : null;
        return { what, at, state, note, help };
      });
    },
  };
}

/** What became of an event at a consumer. One that is set aside is in the inbox too: it was seen, not handled. */
function deliveryOf(
  { name: group, shortName }: ObservedService,
  { handled, deadLetters }: Traces,
  id: string,
): Delivery {
  const known = handled !== null && deadLetters !== null;
  const ofEvent = deadLetters?.filter(({ identity }) => identity === id) ?? [];
  const replayed = ofEvent.findLast(({ state }) => state === 'replayed');
  return {
    group,
    shortName,
    handledAt: replayed?.settledAt ?? (known ? (handled.get(id) ?? null) : null),
    deadLetter: ofEvent.findLast(({ state }) => state !== 'replayed') ?? null,
    passed: false,
    known,
  };
}

/** The slots of all servers; of some that cannot be asked, nothing is known of any. */
async function anySlots(services: readonly Observed[]): Promise<Source<Slot[]>> {
  const servers = Map.groupBy(services, ({ server }) => server);
  const found = await Promise.all([...servers.values()].map(slotsOfServer));
  const failed = found.find((each) => 'error' in each);
  return failed ?? { value: found.flatMap((each) => ('value' in each ? each.value : [])) };
}

/** The slots are the server's: any database that answers shows all. */
async function slotsOfServer(services: readonly Observed[]): Promise<Source<Slot[]>> {
  const asked = services.map(({ service, db }) =>
    attempt(`slots, by database ${service.database}`, () => readSlots(db)),
  );
  const found = await Promise.all(asked);
  return found.find((each) => 'value' in each) ?? found[0] ?? { error: 'slots: no database was given' };
}

/** Asks Kafka about the groups that have not come to an event yet. */
async function withGroups(
  clients: KafkaClients,
  events: readonly TimelineEvent[],
): Promise<{ events: TimelineEvent[]; groups: WaitingGroup[] }> {
  const { admin } = clients;
  const groups = new Map<string, WaitingGroup>();
  const diagnose = async (event: TimelineEvent, delivery: Delivery): Promise<Delivery> => {
    if (isOver(delivery) || !delivery.known || !event.record) return delivery;
    const { group } = delivery;
    const { partition, offset } = event.record;
    const [description, [committed], ends] = await Promise.all([
      lookUpGroup(clients, group),
      fetchOffsets(admin, group, [event.topic]),
      admin.fetchTopicOffsets(event.topic),
    ]);
    const at = BigInt(committed?.partitions.find((each) => each.partition === partition)?.offset ?? -1);
    const end = BigInt(ends.find((each) => each.partition === partition)?.high ?? 0);
    const lag = Number(end - (at < 0n ? 0n : at));
    groups.set(group, { group, members: description?.members?.length ?? 0, lag });
    return { ...delivery, passed: at > BigInt(offset) };
  };
  const diagnosed = await Promise.all(
    events.map(async (event) => ({
      ...event,
      deliveries: await Promise.all(event.deliveries.map((delivery) => diagnose(event, delivery))),
    })),
  );
  return { events: diagnosed, groups: [...groups.values()] };
}
