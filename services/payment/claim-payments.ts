import type { Db } from '@walpost/kit/postgres/database';
import { eq, getTableColumns, lte, sql } from 'drizzle-orm';
import { type PaymentRow, payments } from './tables.ts';

/**
 * Takes up to `limit` payments for which the gateway is to be called, for `lease` ms from now. Other workers pass over
 * them until the lease ends.
 */
export async function claimPayments(db: Db, limit: number, lease: number, now: Date): Promise<PaymentRow[]> {
  // A CTE, which runs once; the planner may run a subquery in the WHERE clause again, and lock more than the limit.
  const due = db
    .$with('due')
    .as(
      db
        .select({ id: payments.id })
        .from(payments)
        .where(lte(payments.nextAttemptAt, now))
        .orderBy(payments.nextAttemptAt)
        .limit(limit)
        .for('update', { skipLocked: true }),
    );
  return db
    .with(due)
    .update(payments)
    .set({
      // From here on a call may have been made, and a cancel has to wait for its answer.
      status: sql`case ${payments.status} when 'REQUESTED' then 'AUTHORIZING' else ${payments.status} end`,
      attempts: sql`${payments.attempts} + 1`,
      nextAttemptAt: new Date(now.getTime() + lease),
      updatedAt: now,
    })
    .from(due)
    .where(eq(payments.id, due.id))
    .returning(getTableColumns(payments))
    .prepare('claim_payments')
    .execute();
}
