import {
  bigint,
  customType,
  index,
  integer,
  jsonb,
  pgTable,
  text,
  timestamp,
  uuid,
} from 'drizzle-orm/pg-core';
import type { OrderItem, OrderStatus, PaymentAnswer, StockAnswer } from './order.ts';

export { inbox, outbox, schemaIds } from '@walpost/kit/postgres/tables';

/** A column of answers: the table has had YES and NO for them from its beginning, and keeps them. */
function answerColumn<Answer extends string>(stored: Readonly<Record<Answer, 'PENDING' | 'YES' | 'NO'>>) {
  const answers = Object.keys(stored) as Answer[];
  return customType<{ data: Answer; driverData: string }>({
    dataType: () => 'text',
    toDriver: (answer) => stored[answer],
    fromDriver(text) {
      const answer = answers.find((each) => stored[each] === text);
      if (answer === undefined) throw new Error(`"${text}" is no answer`);
      return answer;
    },
  });
}

const paymentAnswer = answerColumn<PaymentAnswer>({ PENDING: 'PENDING', AUTHORIZED: 'YES', DECLINED: 'NO' });
const stockAnswer = answerColumn<StockAnswer>({ PENDING: 'PENDING', RESERVED: 'YES', REJECTED: 'NO' });

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
    payment: paymentAnswer().notNull(),
    stock: stockAnswer().notNull(),
    cancellationReason: text('cancellation_reason'),
    version: integer().notNull(),
    createdAt: timestamp('created_at', { withTimezone: true, mode: 'date' }).notNull(),
    idempotencyKey: text('idempotency_key').unique(),
    /** SHA-256 of the request that came with the key. */
    requestHash: text('request_hash'),
  },
  (table) => [index('orders_customer').on(table.customerId, table.id)],
);
