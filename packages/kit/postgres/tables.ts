import { sql } from 'drizzle-orm';
import {
  bigint,
  customType,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uuid,
} from 'drizzle-orm/pg-core';

const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' });

/**
 * The events that a service publishes. Only ever inserted into; Debezium reads it from the write-ahead log. The
 * migration partitions it by day.
 */
export const outbox = pgTable(
  'outbox',
  {
    id: uuid().notNull(),
    aggregatetype: text().notNull(),
    aggregateid: text().notNull(),
    aggregateversion: integer().notNull(),
    type: text().notNull(),
    payload: bytea().notNull(),
    ceSource: text('ce_source').notNull(),
    ceSpecversion: text('ce_specversion').notNull(),
    contentType: text('content_type').notNull(),
    traceparent: text().notNull(),
    createdAt: timestamp('created_at', { withTimezone: true, mode: 'date' }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.aggregateid, table.aggregateversion, table.createdAt] })],
);

/** The schema ids that the registry gave, remembered so that a start needs no registry. */
export const schemaIds = pgTable(
  'schema_ids',
  {
    subject: text().notNull(),
    fingerprint: text().notNull(),
    id: integer().notNull(),
  },
  (table) => [primaryKey({ columns: [table.subject, table.fingerprint] })],
);

/** The events that a consumer has acted on; written in the transaction of the effect. */
export const inbox = pgTable(
  'inbox',
  {
    eventId: uuid('event_id').primaryKey(),
    topic: text().notNull(),
    key: text().notNull(),
    version: integer().notNull(),
    receivedAt: timestamp('received_at', { withTimezone: true, mode: 'date' }).notNull(),
  },
  (table) => [
    index('inbox_key').on(table.key, table.topic, table.version),
    index('inbox_received_at').using('brin', table.receivedAt),
  ],
);

/**
 * - `dead`: could not be handled; the later events of its key wait for a person
 * - `parked`: waits behind a dead one
 * - `replayed`, `discarded`: closed, and kept as a record
 */
export type DeadLetterState = 'dead' | 'parked' | 'replayed' | 'discarded';

/** Records that could not be handled, and those that wait behind them. */
export const deadLetters = pgTable(
  'dead_letters',
  {
    id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    /** The event's id or, for a record without one, a hash of its place and time: what makes a dead letter unique. */
    identity: text().notNull().unique(),
    state: text().$type<DeadLetterState>().notNull(),
    topic: text().notNull(),
    partition: integer().notNull(),
    offset: bigint({ mode: 'bigint' }).notNull(),
    key: text(),
    /** Name and value of each header, in their order. */
    headers: jsonb().$type<[string, string][]>().notNull(),
    value: bytea(),
    recordedAt: timestamp('recorded_at', { withTimezone: true, mode: 'date' }).notNull(),
    errorCode: text('error_code'),
    errorMessage: text('error_message'),
    errorStack: text('error_stack'),
    attempts: integer().notNull(),
    createdAt: timestamp('created_at', { withTimezone: true, mode: 'date' }).notNull().defaultNow(),
    replayRequestedAt: timestamp('replay_requested_at', { withTimezone: true, mode: 'date' }),
    settledAt: timestamp('settled_at', { withTimezone: true, mode: 'date' }),
    discardReason: text('discard_reason'),
  },
  (table) => [
    index('dead_letters_open').on(table.topic, table.key, table.id).where(sql`state in ('dead', 'parked')`),
  ],
);
