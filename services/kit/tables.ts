import {
  bigint,
  customType,
  index,
  integer,
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
    partition: integer().notNull(),
    offset: bigint({ mode: 'bigint' }).notNull(),
    receivedAt: timestamp('received_at', { withTimezone: true, mode: 'date' }).notNull().defaultNow(),
  },
  (table) => [index('inbox_received_at').on(table.receivedAt)],
);
