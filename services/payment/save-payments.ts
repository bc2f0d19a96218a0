import type { Tx } from '@walpost/kit/database';
import { type OutboxEncoder, publish } from '@walpost/kit/outbox';
import { childTraceparent } from '@walpost/kit/trace';
import { sql } from 'drizzle-orm';
import type { Decided } from './payment.js';
import { type PaymentRow, payments } from './tables.js';

/** Writes decided payments, whose rows the transaction has locked, and publishes their events. */
export async function savePayments(
  tx: Tx,
  encode: OutboxEncoder,
  decided: Decided<PaymentRow>[],
  now: Date,
): Promise<void> {
  if (decided.length === 0) return;
  const list = <V>(pick: (payment: PaymentRow) => V) =>
    sql.param(decided.map(({ payment }) => pick(payment)));
  // Instants travel as text: Drizzle has switched off the driver's serializer of timestamptz arrays.
  await tx.execute(sql`
    update ${payments} as payment
    set status = decided.status, reason = decided.reason, version = decided.version,
      traceparent = decided.traceparent, next_attempt_at = decided.next_attempt_at::timestamptz, last_error = null,
      updated_at = ${now.toISOString()}::timestamptz
    from unnest(
      ${list(({ id }) => id)}::uuid[],
      ${list(({ status }) => status)}::text[],
      ${list(({ reason }) => reason)}::text[],
      ${list(({ version }) => version)}::integer[],
      ${list(({ traceparent }) => traceparent)}::text[],
      ${list(({ nextAttemptAt }) => nextAttemptAt?.toISOString() ?? null)}::text[]
    ) as decided (id, status, reason, version, traceparent, next_attempt_at)
    where payment.id = decided.id`);
  await publish(
    tx,
    decided.flatMap(({ payment: { orderId, version, traceparent }, event }) => {
      if (!event) return [];
      const envelope = {
        aggregateId: orderId,
        version,
        traceparent: childTraceparent(traceparent ?? undefined),
        time: now,
      };
      return [encode(event, envelope)];
    }),
  );
}
