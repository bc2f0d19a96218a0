import { sql } from 'drizzle-orm';
import { type AnyPgColumn, index, integer, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import type { EmailKind } from './email.ts';

export { inbox } from '@walpost/kit/postgres/tables';

const instant = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' });

/** 0 for an e-mail that was never tried, else 1: the two take turns, and share an index. */
export const isTriedAgain = (attempts: AnyPgColumn) => sql<0 | 1>`least(${attempts}, 1)`;

export const emails = pgTable(
  'emails',
  {
    /** The id of the event that it reports. */
    id: uuid().primaryKey(),
    orderId: uuid('order_id').notNull(),
    customerId: text('customer_id').notNull(),
    kind: text().$type<EmailKind>().notNull(),
    recipient: text().notNull(),
    subject: text().notNull(),
    body: text().notNull(),
    /** The Message-ID header; the same at every attempt, so that a mail program can drop a second copy. */
    messageId: text('message_id').notNull().unique(),
    status: text().$type<'WAITING' | 'SENT' | 'REFUSED'>().notNull(),
    /** How often it was claimed for sending. */
    attempts: integer().notNull().default(0),
    /** What the last attempt failed with, in the mail server's words where it answered. */
    lastError: text('last_error'),
    /** When to send it, or when the lease of the sender ends; null when it is sent or refused for good. */
    nextAttemptAt: instant('next_attempt_at'),
    /** Trace of the event that it reports. */
    traceparent: text(),
    createdAt: instant('created_at').notNull(),
    sentAt: instant('sent_at'),
    /** When the mail server first put it off; null where it has not, or has answered it for good. */
    deferredSince: instant('deferred_since'),
  },
  (table) => [
    index('emails_order').on(table.orderId),
    index('emails_due').on(table.nextAttemptAt).where(sql`next_attempt_at IS NOT NULL`),
    index('emails_turn')
      .on(isTriedAgain(table.attempts), table.nextAttemptAt)
      .where(sql`next_attempt_at IS NOT NULL`),
    index('emails_refused').on(table.orderId).where(sql`status = 'REFUSED'`),
  ],
);

export type EmailRow = typeof emails.$inferSelect;
