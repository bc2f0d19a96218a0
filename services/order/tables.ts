import { bigint, index, integer, jsonb, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import type { Answer, OrderItem, OrderStatus } from './order.js';

export { inbox, outbox, schemaIds } from '@walpost/kit/postgres/tables';

export const orders = pgTable(
  'orders',
  {
    /** UUIDv7: its order is the order of arrival, which the customer's list relies on. */
    id: uuid().primaryKey(),
    customerId: text('customer_id').notNull(),
    currency: text().notNull(),
    items: jsonb().$type<OrderItem[]>().notNull(),
    totalAmount: bigint('total_amount', { mode: 'number' }).notNull(),
    status: text().$type<OrderStatus>().notNull(),
    payment: text().$type<Answer>().notNull(),
    stock: text().$type<Answer>().notNull(),
    cancellationReason: text('cancellation_reason'),
    version: integer().notNull(),
    createdAt: timestamp('created_at', { withTimezone: true, mode: 'date' }).notNull(),
    idempotencyKey: text('idempotency_key').unique(),
    /** SHA-256 of the request that came with the key. */
    requestHash: text('request_hash'),
  },
  (table) => [index('orders_customer').on(table.customerId, table.id)],
);
