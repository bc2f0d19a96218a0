import { sql } from 'drizzle-orm';
import { bigint, index, integer, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import type { PaymentStatus } from './payment.ts';

export { inbox, outbox, schemaIds } from '@walpost/kit/postgres/tables';

const instant = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' });

export const payments = pgTable(
  'payments',
  {
    /** UUIDv7; also the idempotency key of every call to the gateway. */
    id: uuid().primaryKey(),
    orderId: uuid('order_id').notNull().unique(),
    customerId: text('customer_id').notNull(),
    /** Minor units of the currency. */
    amount: bigint({ mode: 'number' }).notNull(),
    currency: text().notNull(),
    status: text().$type<PaymentStatus>().notNull(),
    /** Why it was declined. */
    reason: text(),
    /** How many events it has published. */
    version: integer().notNull(),
    /** Trace of the order event that it acts on. */
    traceparent: text(),
    /** How often it was claimed for a call to the gateway. */
    attempts: integer().notNull().default(0),
    /** When the gateway is to be called, or the lease of the call under way ends; null when nothing is to be done. */
    nextAttemptAt: instant('next_attempt_at'),
    lastError: text('last_error'),
    createdAt: instant('created_at').notNull(),
    updatedAt: instant('updated_at').notNull(),
  },
  (table) => [index('payments_due').on(table.nextAttemptAt).where(sql`next_attempt_at IS NOT NULL`)],
);

export type PaymentRow = typeof payments.$inferSelect;
