import { sql } from 'drizzle-orm';
import { encode } from '../contract/codec.ts';
import type {
  Contract,
  DomainEvent,
  EventName,
  EventOf,
  EventTopic,
  EventType,
} from '../contract/contract.ts';
import type { Classified } from '../errors.ts';
import { newId } from '../new-id.ts';
import type { Tx } from '../postgres/database.ts';
import { outbox } from '../postgres/tables.ts';
import { countWritten } from './metrics.ts';

export type OutboxRow = typeof outbox.$inferInsert;

/**
 * The largest payload that an outbox takes, in bytes: the table's own limit (migrations/outbox/0004_limits.sql). The
 * topics and the connectors' producers take as much, with its key and its headers.
 */
export const MAX_PAYLOAD_BYTES = 1_000_000;

/** The event is too large for the relay, and for every topic. Sending it again does not help. */
export class EventTooLargeError extends Error implements Classified {
  readonly code = 'event-too-large';
  readonly retryable = false;

  constructor({ type, aggregateid, payload }: OutboxRow) {
    super(
      `${type} of ${aggregateid} has ${payload.byteLength} bytes, and an event may have ${MAX_PAYLOAD_BYTES}`,
    );
  }
}

/** What surrounds an event: whose it is, where it is in its key's history, and what caused it. */
export interface Envelope {
  /** The aggregate's id; the record's key. */
  aggregateId: string;
  /** 1, 2, 3 … without a gap for one aggregate in one topic. */
  version: number;
  /** W3C trace context of the cause. */
  traceparent: string;
  time: Date;
}

/** Turns events into outbox rows. Made once, in `main.ts`. */
export type OutboxEncoder<N extends EventName = EventName> = (
  event: DomainEvent<N>,
  envelope: Envelope,
) => OutboxRow;

/** The encoder of a service that writes this topic. */
export type EncoderOf<T extends EventTopic> = OutboxEncoder<EventOf<T>>;

/**
 * The encoder throws {@link EventTooLargeError} for an event that the outbox would refuse, and an Error for one whose key
 * is no text or whose version is no whole number.
 *
 * @param source CloudEvents `source` of this service, e.g. `/parcels/shipment`
 * @param schemaId gives the registry's id of an event's schema, or throws when it is not known yet
 */
export function createOutboxEncoder(
  contract: Contract,
  source: string,
  schemaId: (name: EventName) => number,
): OutboxEncoder {
  return (event, envelope) => {
    const type = contract.eventType(event.type);
    checkEnvelope(event.type, envelope);
    return withinLimits({
      id: newId(envelope.time),
      ...outboxTypeOf(type),
      aggregateid: envelope.aggregateId,
      aggregateversion: envelope.version,
      payload: encode(schemaId(event.type), type, event.data),
      ceSource: source,
      ceSpecversion: '1.0',
      contentType: 'application/avro',
      traceparent: envelope.traceparent,
      createdAt: envelope.time,
    });
  };
}

/** A row without the column that was meant gives `undefined`, which the driver writes as that word, or as nothing. */
function checkEnvelope(type: EventName, { aggregateId, version }: Envelope): void {
  if (typeof aggregateId !== 'string')
    throw new Error(`${type}: its key is ${String(aggregateId)}, and must be a text`);
  if (!Number.isSafeInteger(version) || version < 1)
    throw new Error(`${type}: its version is ${String(version)}, and must be a whole number from 1 on`);
}

/** What the outbox calls an event: its type, and what it is about. */
export function outboxTypeOf({ topic, fullName }: EventType): Pick<OutboxRow, 'aggregatetype' | 'type'> {
  return { aggregatetype: topic.replace(/-events$/, ''), type: fullName };
}

function withinLimits(row: OutboxRow): OutboxRow {
  if (row.payload.byteLength > MAX_PAYLOAD_BYTES) throw new EventTooLargeError(row);
  return row;
}

/**
 * Writes events into the outbox, in the transaction of what they report: one statement for any number of them.
 *
 * @throws {EventTooLargeError} before anything is written
 */
export async function publish(tx: Tx, rows: OutboxRow[]): Promise<void> {
  if (rows.length === 0) return;
  for (const row of rows) withinLimits(row);
  const column = <K extends keyof OutboxRow>(name: K) => sql.param(rows.map((row) => row[name]));
  // The columns in the order of the table's definition. Bytes and instants travel as text: the driver takes an array of
  // buffers for one buffer, and Drizzle has switched off its serializer of timestamptz arrays.
  await tx
    .insert(outbox)
    .select(
      sql`select id, aggregatetype, aggregateid, aggregateversion, type, payload, ce_source, ce_specversion,
          content_type, traceparent, created_at from unnest(${column('id')}::uuid[], ${column('aggregatetype')}::text[],
        ${column('aggregateid')}::text[], ${column('aggregateversion')}::integer[], ${column('type')}::text[],
        ${sql.param(rows.map(({ payload }) => `\\x${payload.toString('hex')}`))}::text[]::bytea[], ${column('ceSource')}::text[], ${column('ceSpecversion')}::text[],
        ${column('contentType')}::text[], ${column('traceparent')}::text[],
        ${sql.param(rows.map(({ createdAt }) => createdAt.toISOString()))}::text[]::timestamptz[]) as row (id,
          aggregatetype, aggregateid, aggregateversion, type, payload, ce_source, ce_specversion, content_type,
          traceparent, created_at)`,
    )
    .prepare('publish')
    .execute();
  for (const { type } of rows) countWritten(type);
}
