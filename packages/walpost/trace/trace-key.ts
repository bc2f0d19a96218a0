import type { HttpAccess } from '@walpost/kit/contract/http-access';
import type { OpenTransaction } from '@walpost/kit/kafka/requests';
import { readSlots, type Slot } from '@walpost/kit/outbox/read-slots';
import { milliseconds } from '@walpost/kit/postgres/rows';
import type { Source } from '@walpost/kit/telemetry/attempt';
import { attempt } from '@walpost/kit/telemetry/attempt';
import { sql } from 'drizzle-orm';
import { fetchOffsets, lookUpGroup } from '../observe/describe-group.ts';
import { findRecords } from '../observe/find-records.ts';
import type { EffectRow, Observed } from '../observe/observed-service.ts';
import { readConnectors } from '../observe/read-connectors.ts';
import { type DeadLetterView, readDeadLettersOfKey } from '../observe/read-dead-letters.ts';
import {
  type Delivery,
  isOver,
  type Timeline,
  type TimelineEvent,
  type TimelineRecord,
  type WaitingGroup,
} from '../observe/timeline.ts';
import type { KafkaClients, TopicReader } from '../observe/topic-reader.ts';

/** Everything that knows something of an order. */
export interface TimelineSources {
  readonly services: readonly Observed[];
  readonly kafka: Source<KafkaClients & { reader: TopicReader }>;
  readonly connect: HttpAccess;
}

/** What one service's database knows of an order. */
interface Traces {
  readonly events: readonly (Omit<TimelineEvent, 'record' | 'deliveries'> & { topic: string })[];
  readonly handled: ReadonlyMap<string, number>;
  readonly deadLetters: ReadonlyMap<string, DeadLetterView>;
  readonly effects: readonly EffectRow[];
}

type EventRow = Pick<TimelineEvent, 'id' | 'type' | 'version' | 'writtenAt'> & { traceparent: string };

/**
 * Follows one order through databases, topics and groups. What cannot be asked is named in `problems`, and the rest is
 * told all the same.
 *
 * @param orderId a UUID
 */
export async function traceKey(sources: TimelineSources, orderId: string): Promise<Timeline> {
  const problems: string[] = [];
  const unlessFailed = <T>(source: Source<T>): T | null => {
    if ('value' in source) return source.value;
    problems.push(source.error);
    return null;
  };
  const traces = await Promise.all(
    sources.services.map((observed) =>
      attempt(`database ${observed.service.database}`, () => readTraces(observed, orderId)),
    ),
  );
  const known = sources.services.map(({ service }, at) => {
    const source = traces[at];
    return { service, traces: source ? unlessFailed(source) : null };
  });
  const written = known
    .flatMap(({ traces }) => traces?.events ?? [])
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
      const search = { topic, key: orderId, since, wanted: events.map(({ id }) => id) };
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
      .map(({ service, traces }) => ({
        group: service.name,
        shortName: service.shortName,
        handledAt: traces?.handled.get(event.id) ?? null,
        deadLetter: traces?.deadLetters.get(event.id) ?? null,
        passed: false,
        known: traces !== null,
      })),
  }));
  const waiting = kafka && unlessFailed(await attempt('Kafka', () => withGroups(kafka, events)));
  return {
    orderId,
    events: waiting?.events ?? events,
    misrouted: known.flatMap(({ service: { name: group, shortName }, traces }) =>
      [...(traces?.deadLetters.values() ?? [])]
        .filter(({ identity }) => written.every(({ id }) => id !== identity))
        .map((deadLetter) => ({ group, shortName, deadLetter })),
    ),
    effects: known.map(({ service, traces }) => ({ service: service.name, rows: traces?.effects ?? [] })),
    slots: unlessFailed(slots),
    connectors: unlessFailed(connectors),
    groups: waiting?.groups ?? [],
    openTransactions,
    kafka: waiting !== null,
    problems: [...new Set(problems)],
  };
}

/** Asks one service's database. @throws the driver's error */
export async function readTraces({ service, db }: Observed, orderId: string): Promise<Traces> {
  const { publishes, retry } = service;
  const [rows, handled, deadLetters, effects] = await Promise.all([
    publishes
      ? db.execute<EventRow>(sql`
          select id::text, type, version, traceparent, ${milliseconds('written_at')} as "writtenAt"
          from observer.events(${orderId})`)
      : [],
    db.execute<{ id: string; at: number }>(
      sql`select event_id::text as id, ${milliseconds('received_at')} as at from observer.handled(${orderId})`,
    ),
    readDeadLettersOfKey(db, orderId),
    db.execute<Omit<EffectRow, 'help'> & Record<string, unknown>>(
      sql`select what, ${milliseconds('at')} as at, state, note from observer.timeline(${orderId})`,
    ),
  ]);
  return {
    events: rows.flatMap(({ traceparent, type, ...row }) =>
      publishes
        ? [
            {
              ...row,
              ...publishes,
              type: type.slice(type.lastIndexOf('.') + 1),
              service: service.name,
              traceId: traceparent.split('-')[1] ?? null,
            },
          ]
        : [],
    ),
    // A dead letter's event is in the inbox too: it was seen, not handled.
    handled: new Map([
      ...handled.map(({ id, at }): [string, number] => [id, at]),
      ...deadLetters.flatMap(({ state, identity, settledAt }): [string, number][] =>
        state === 'replayed' && settledAt !== null ? [[identity, settledAt]] : [],
      ),
    ]),
    deadLetters: new Map(
      deadLetters
        .filter(({ state }) => state !== 'replayed')
        .map((deadLetter) => [deadLetter.identity, deadLetter]),
    ),
    effects: effects.map(({ what, at, state, note }) => ({
      what,
      at,
      state,
      note,
      help: state === 'failed' && retry ? `${retry} ${orderId} --yes` : null,
    })),
  };
}

/** The slots are the server's: any database that answers shows all. */
async function anySlots(services: readonly Observed[]): Promise<Source<Slot[]>> {
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
