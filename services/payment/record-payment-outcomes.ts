import type { EncoderOf } from '@walpost/kit/outbox/outbox';
import type { Db, Tx } from '@walpost/kit/postgres/database';
import { isAnyOf } from '@walpost/kit/postgres/is-any-of';
import type { Outcome } from '@walpost/kit/service/worker';
import { sql } from 'drizzle-orm';
import { decide, type PaymentInput } from './payment.ts';
import { savePayments } from './save-payments.ts';
import { type PaymentRow, payments } from './tables.ts';

export type PaymentOutcome = Outcome<PaymentRow, PaymentInput>;

/**
 * Writes what the gateway answered, with the events that report it, in one transaction.
 *
 * @throws {PaymentError} an answer contradicts an earlier one; nothing is written
 */
export function recordPaymentOutcomes(
  db: Db,
  encode: EncoderOf<'payment-events'>,
  outcomes: PaymentOutcome[],
  now: Date,
): Promise<void> {
  return db.transaction(async (tx) => {
    // Read again, under a lock: the order may have been cancelled while the call was under way.
    const rows = await tx
      .select()
      .from(payments)
      .where(
        isAnyOf(
          payments.id,
          outcomes.map(({ item }) => item.id),
        ),
      )
      .orderBy(payments.id)
      .for('update')
      .prepare('lock_payments')
      .execute();
    const answers = new Map(
      outcomes.flatMap((outcome) => ('result' in outcome ? [[outcome.item.id, outcome.result]] : [])),
    );
    const decided = rows.flatMap((row) => {
      const answer = answers.get(row.id);
      return answer ? [decide(row, answer, now)] : [];
    });
    await savePayments(tx, encode, decided, now);
    await postpone(tx, outcomes, now);
  });
}

/** Puts off the payments whose call failed; not those that somebody else has claimed since. */
async function postpone(tx: Tx, outcomes: PaymentOutcome[], now: Date): Promise<void> {
  const failures = outcomes.filter((outcome) => 'error' in outcome);
  if (failures.length === 0) return;
  const list = <V>(pick: (failure: (typeof failures)[number]) => V) => sql.param(failures.map(pick));
  await tx.execute(sql`
    update ${payments} as payment
    set last_error = failed.error, next_attempt_at = failed.next_attempt_at::timestamptz,
      updated_at = ${now.toISOString()}::timestamptz
    from unnest(
      ${list(({ item }) => item.id)}::uuid[],
      ${list(({ item }) => item.attempts)}::integer[],
      ${list(({ error }) => error.message)}::text[],
      ${list(({ retryIn }) => new Date(now.getTime() + retryIn).toISOString())}::text[]
    ) as failed (id, attempts, error, next_attempt_at)
    where payment.id = failed.id and payment.attempts = failed.attempts and payment.next_attempt_at is not null`);
}
