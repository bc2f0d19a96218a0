import { header } from '@walpost/kit/consumer/receive';
import { partitionOf, settingsOf } from '@walpost/kit/kafka/kafkajs';
import { milliseconds } from '@walpost/kit/postgres/rows';
import { messageOf } from '@walpost/kit/telemetry/describe-error';
import { sql } from 'drizzle-orm';
import { CliError } from '../../cli-error.ts';
import type { Observed } from '../../observe/observed-service.ts';
import { findUnreadable, openSince, transactionText } from '../../observe/open-transactions.ts';
import { type KafkaClients, openReader, type Place, placeKey } from '../../observe/topic-reader.ts';
import { type AuditedRow, type Difference, findDifferences, type SeenRecord } from './find-differences.ts';

/** A time range, by when an event was written. */
export interface AuditRange {
  readonly since: Date;
  readonly until: Date;
}

export interface Audit {
  readonly events: number;
  readonly differences: readonly Difference[];
}

/** How far the clocks of services, relay and databases may be apart, ms. */
const SLACK = 60_000;

/**
 * Compares what the outboxes have of a time range with the topics, and with what each consumer has seen.
 *
 * @param seconds how long reading the topics may take
 * @throws CliError when it takes longer; the driver's or the client's error
 */
export async function auditOutboxes(
  clients: KafkaClients,
  observed: readonly Observed[],
  range: AuditRange,
  seconds: number,
): Promise<Audit> {
  const from = new Date(range.since.getTime() - SLACK);
  const publishers = observed.flatMap(({ service, db }) =>
    service.publishes ? [{ service, db, topic: service.publishes.topic }] : [],
  );
  const reader = await openReader(
    clients,
    publishers.map(({ topic }) => topic),
  );
  try {
    const parts: Audit[] = [];
    for (const { service, db, topic } of publishers) {
      const keptSince = await retentionStart(clients, topic);
      const { records, unreadable } = await readRecords(reader, clients, topic, from, seconds);
      // Read after the topic, so that a record whose row is younger than the first look is no surprise.
      const rows = await of(service, () =>
        db.execute<AuditedRow & Record<string, unknown>>(sql`
          select id::text, key, version, type, ${milliseconds('written_at')} as at
          from observer.events_since(${from.toISOString()})`),
      );
      const consumers = await Promise.all(
        observed
          .filter((each) => each.service.consumes.includes(topic))
          .map(async (each) => ({
            service: each.service.shortName,
            seen: await of(each.service, () =>
              each.db.execute<{ id: string; key: string; version: number }>(sql`
                select event_id::text as id, key, version
                from observer.handled_since(${topic}, ${from.toISOString()})`),
            ),
          })),
      );
      const differences = findDifferences(
        { publisher: service.shortName, topic, rows, records, consumers, keptSince, unreadable },
        range.since.getTime(),
        range.until.getTime(),
      );
      const { since, until } = range;
      const events = rows.filter(({ at }) => at >= since.getTime() && at <= until.getTime()).length;
      parts.push({ events, differences });
    }
    return {
      events: parts.reduce((sum, { events }) => sum + events, 0),
      differences: parts.flatMap(({ differences }) => differences),
    };
  } finally {
    await reader.close();
  }
}

/** Asks a service's database. @throws CliError that names it: whoever reads of Kafka looks there */
async function of<T>({ database }: Observed['service'], ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw new CliError(`database ${database} as observer: ${messageOf(error)}`, { cause: error });
  }
}

/** From when on a topic keeps records, ms since the epoch. */
async function retentionStart({ admin }: Pick<KafkaClients, 'admin'>, topic: string): Promise<number> {
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [settingsOf(topic, ['retention.ms'])],
  });
  const kept = Number(resources[0]?.configEntries[0]?.configValue ?? -1);
  return kept < 0 ? Number.NEGATIVE_INFINITY : Date.now() - kept;
}

async function readRecords(
  reader: Awaited<ReturnType<typeof openReader>>,
  { admin, requests }: KafkaClients,
  topic: string,
  from: Date,
  seconds: number,
): Promise<{ records: SeenRecord[]; unreadable: (key: string) => string | undefined }> {
  const ends = await admin.fetchTopicOffsets(topic);
  const starts = await admin.fetchTopicOffsetsByTimestamp(topic, from.getTime());
  const { open: transactions } = await findUnreadable(requests, topic, ends);
  const places = ends.flatMap(({ partition, high }): Place[] => {
    const start = BigInt(starts.find((each) => each.partition === partition)?.offset ?? -1);
    // Kafka says -1 where no record is that young.
    return start < 0n || start >= BigInt(high) ? [] : [{ topic, partition, from: start, end: BigInt(high) }];
  });
  const records: SeenRecord[] = [];
  const visit = ({ partition }: Place, message: Parameters<Parameters<typeof reader.scan>[1]>[1]) => {
    const { headers, key, offset } = message;
    records.push({
      id: header(headers, 'id'),
      key: key?.toString() ?? '',
      version: Number(header(headers, 'version')),
      at: Date.parse(header(headers, 'time')),
      where: `${partition}@${offset}`,
    });
    return false;
  };
  const done = await reader.scan(places, visit, seconds);
  const undone = places.filter((place) => !done.has(placeKey(topic, place.partition)));
  if (undone.length > 0)
    throw new CliError(
      `${topic} could not be read to its end within ${seconds} s; give --timeout or a shorter range`,
    );
  const unreadable = (key: string) => {
    const open = transactions.get(partitionOf(topic, key, ends.length));
    return open && `${transactionText(open)}, since ${new Date(openSince(open)).toISOString()}`;
  };
  return { records, unreadable };
}
