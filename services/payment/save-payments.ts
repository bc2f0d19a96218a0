import { type EncoderOf, publish } from '@walpost/kit/outbox/outbox';
import type { Tx } from '@walpost/kit/postgres/database';
import { childTraceparent } from '@walpost/kit/telemetry/trace';
import { sql } from 'drizzle-orm';
import type { Decided } from './payment.ts';
import { type PaymentRow, payments } from './tables.ts';

/** Writes decided payments, whose rows the transaction has locked, and publishes their events. */
export async function savePayments(
  tx: Tx,
  encode: EncoderOf<'payment-events'>,
  decided: Decided<PaymentRow>[],
  now: Date,
): Promise<void> {
  if (decided.length === 0) return;
  const list = <V>(pick: (payment: PaymentRow) => V) =>
    sql.param(decided.map(({ payment }) => pick(payment)));
  const rows = decided.flatMap(({ payment: { orderId, version, traceparent }, event }) => {
    if (!event) return [];
    const envelope = {
      aggregateId: orderId,
      version,
      traceparent: childTraceparent(traceparent ?? undefined),
      time: now,
    };
    return [encode(event, envelope)];
  });
  // Instants travel as text: Drizzle has switched off the driver's serializer of timestamptz arrays.
  const saved = tx
    .update(payments)
    .set({
      status: sql`decided.status`,
      reason: sql`decided.reason`,
      version: sql`decided.version`,
      traceparent: sql`decided.traceparent`,
      nextAttemptAt: sql`decided.next_attempt_at::timestamptz`,
      lastError: null,
      updatedAt: now,
    })
    .from(
      sql`unnest(
        ${list(({ id }) => id)}::uuid[],
        ${list(({ status }) => status)}::text[],
        ${list(({ reason }) => reason)}::text[],
        ${list(({ version }) => version)}::integer[],
        ${list(({ traceparent }) => traceparent)}::text[],
        ${list(({ nextAttemptAt }) => nextAttemptAt?.toISOString() ?? null)}::text[]
      ) as decided (id, status, reason, version, traceparent, next_attempt_at)`,
    )
    .where(sql`${payments.id} = decided.id`)
    .prepare('save_payments')
    .execute();
  await Promise.all([saved, publish(tx, rows)]);
}
