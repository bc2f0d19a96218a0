import type { Db } from '@walpost/kit/postgres/database';
import { and, eq, getTableColumns, lte, sql } from 'drizzle-orm';
import { unionAll } from 'drizzle-orm/pg-core';
import { type EmailRow, emails, isTriedAgain } from './tables.ts';

/**
 * Takes up to `limit` e-mails that are due, for `lease` ms from now. Other senders pass over them until then. Those that
 * were never tried and those that are tried again take turns, so that ten thousand of the one kind do not hold back the
 * other.
 */
export async function claimEmails(db: Db, limit: number, lease: number, now: Date): Promise<EmailRow[]> {
  // CTEs, which run once; the planner may run a subquery in the WHERE clause again, and lock more than the limit.
  const dueOnes = (name: string, triedAgain: 0 | 1) =>
    db.$with(name).as(
      db
        .select({ id: emails.id, nextAttemptAt: emails.nextAttemptAt })
        .from(emails)
        .where(and(eq(isTriedAgain(emails.attempts), triedAgain), lte(emails.nextAttemptAt, now)))
        .orderBy(emails.nextAttemptAt)
        .limit(limit)
        .for('update', { skipLocked: true }),
    );
  const first = dueOnes('first', 0);
  const again = dueOnes('again', 1);
  const inTurn = (ones: typeof first) =>
    db
      .select({
        id: ones.id,
        turn: sql<number>`row_number() over (order by ${ones.nextAttemptAt})`.as('turn'),
      })
      .from(ones);
  const due = db.$with('due').as(unionAll(inTurn(first), inTurn(again)).orderBy(sql`turn`).limit(limit));
  return db
    .with(first, again, due)
    .update(emails)
    .set({ attempts: sql`${emails.attempts} + 1`, nextAttemptAt: new Date(now.getTime() + lease) })
    .from(due)
    .where(eq(emails.id, due.id))
    .returning(getTableColumns(emails))
    .prepare('claim_emails')
    .execute();
}
