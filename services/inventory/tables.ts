import { bigint, integer, pgTable, primaryKey, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import type { ReservationStatus } from './stock.ts';

export { inbox, outbox, schemaIds } from '@walpost/kit/postgres/tables';

/** What is in the house: `onHand` can still be promised, `reserved` is promised to an order. */
export const stock = pgTable('stock', {
  sku: text().primaryKey(),
  onHand: integer('on_hand').notNull(),
  reserved: bigint({ mode: 'number' }).notNull().default(0),
});

/** The lines of every order that was decided, one a sku; all lines of an order have the same status. */
export const reservations = pgTable(
  'reservations',
  {
    orderId: uuid('order_id').notNull(),
    sku: text().notNull(),
    quantity: bigint({ mode: 'number' }).notNull(),
    status: text().$type<ReservationStatus>().notNull(),
    /** On the line that a rejected order failed at. */
    reason: text(),
    updatedAt: timestamp('updated_at', { withTimezone: true, mode: 'date' }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.orderId, table.sku] })],
);
