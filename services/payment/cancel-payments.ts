import type { ReceivedEvent } from '@walpost/kit/consumer/receive';
import type { EncoderOf } from '@walpost/kit/outbox/outbox';
import type { Tx } from '@walpost/kit/postgres/database';
import { isAnyOf } from '@walpost/kit/postgres/is-any-of';
import { decide } from './payment.ts';
import { savePayments } from './save-payments.ts';
import { payments } from './tables.ts';

/** Undoes, or has undone, the payments of cancelled orders. An order without a payment was never charged. */
export async function cancelPayments(
  tx: Tx,
  encode: EncoderOf<'payment-events'>,
  events: ReceivedEvent<'OrderCancelled'>[],
  now: Date,
): Promise<void> {
  const cancels = new Map(events.map((event) => [event.data.orderId, event]));
  const rows = await tx
    .select()
    .from(payments)
    .where(isAnyOf(payments.orderId, [...cancels.keys()]))
    .orderBy(payments.id)
    .for('update')
    .prepare('lock_payments_of_orders')
    .execute();
  const decided = rows.flatMap((row) => {
    const payment = { ...row, traceparent: cancels.get(row.orderId)?.traceparent ?? row.traceparent };
    const result = decide(payment, { type: 'order-cancelled' }, now);
    // One that is cancelled already, when the event comes again, stays as it is.
    return result.payment === payment ? [] : [result];
  });
  await savePayments(tx, encode, decided, now);
}
