import { encode } from '@walpost/schemas/codec';
import { type DomainEvent, type EventName, eventType } from '@walpost/schemas/contract';
import { sql } from 'drizzle-orm';
import type { Tx } from './database.js';
import { countWritten } from './metrics/events.js';
import { newId } from './new-id.js';
import { outbox } from './tables.js';

export type OutboxRow = typeof outbox.$inferInsert;

/** What surrounds an event: whose it is, where it stands in its order's history, and what caused it. */
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
export type OutboxEncoder = (event: DomainEvent, envelope: Envelope) => OutboxRow;

/**
 * @param source CloudEvents `source` of this service, e.g. `/walpost/order-service`
 * @param schemaId gives the registry's id of an event's schema, or throws when it is not known yet
 */
export function createOutboxEncoder(source: string, schemaId: (name: EventName) => number): OutboxEncoder {
  return (event, envelope) => {
    const type = eventType(event.type);
    return {
      id: newId(envelope.time),
      aggregatetype: type.topic.replace(/-events$/, ''),
      aggregateid: envelope.aggregateId,
      aggregateversion: envelope.version,
      type: type.fullName,
      payload: encode(schemaId(event.type), type, event.data),
      ceSource: source,
      ceSpecversion: '1.0',
      contentType: 'application/avro',
      traceparent: envelope.traceparent,
      createdAt: envelope.time,
    };
  };
}

/** Writes events into the outbox, in the transaction of what they tell of: one statement for any number of them. */
export async function publish(tx: Tx, rows: OutboxRow[]): Promise<void> {
  if (rows.length === 0) return;
  const column = <K extends keyof OutboxRow>(name: K) => sql.param(rows.map((row) => row[name]));
  // The columns in the order of the table's definition. Bytes and instants travel as text: the driver takes an array of
  // buffers for one buffer, and Drizzle has switched off its serializer of timestamptz arrays.
  await tx
    .insert(outbox)
    .select(
      sql`select * from unnest(${column('id')}::uuid[], ${column('aggregatetype')}::text[],
        ${column('aggregateid')}::text[], ${column('aggregateversion')}::integer[], ${column('type')}::text[],
        ${sql.param(rows.map(({ payload }) => `\\x${payload.toString('hex')}`))}::text[]::bytea[], ${column('ceSource')}::text[], ${column('ceSpecversion')}::text[],
        ${column('contentType')}::text[], ${column('traceparent')}::text[],
        ${sql.param(rows.map(({ createdAt }) => createdAt.toISOString()))}::text[]::timestamptz[])`,
    )
    .prepare('publish')
    .execute();
  for (const { type } of rows) countWritten(type);
}
