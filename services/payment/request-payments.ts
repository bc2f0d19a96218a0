import type { ReceivedEvent } from '@walpost/kit/consumer/receive';
import { newId } from '@walpost/kit/new-id';
import type { Tx } from '@walpost/kit/postgres/database';
import { sql } from 'drizzle-orm';
import { payments } from './tables.ts';

/** Writes down that the customer is to be charged, one payment an order; an order that has one keeps it. */
export async function requestPayments(
  tx: Tx,
  events: ReceivedEvent<'OrderCreated'>[],
  now: Date,
): Promise<void> {
  const list = <V>(pick: (event: ReceivedEvent<'OrderCreated'>) => V) => sql.param(events.map(pick));
  // The columns in the order of the table's definition.
  await tx
    .insert(payments)
    .select(
      sql`select requested.id, order_id, customer_id, amount, currency, 'REQUESTED', null::text, 0, traceparent,
          0, instant.now, null::text, instant.now, instant.now
        from unnest(
          ${list(() => newId(now))}::uuid[],
          ${list(({ data }) => data.orderId)}::uuid[],
          ${list(({ data }) => data.customerId)}::text[],
          ${list(({ data }) => data.totalAmount)}::bigint[],
          ${list(({ data }) => data.currency)}::text[],
          ${list(({ traceparent }) => traceparent ?? null)}::text[]
        ) as requested (id, order_id, customer_id, amount, currency, traceparent),
        (select ${now.toISOString()}::timestamptz as now) as instant`,
    )
    .onConflictDoNothing({ target: payments.orderId })
    .prepare('request_payments')
    .execute();
}
