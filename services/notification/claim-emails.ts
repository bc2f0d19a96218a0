import type { Db } from '@walpost/kit/database';
import { eq, getTableColumns, lte, sql } from 'drizzle-orm';
import { type EmailRow, emails } from './tables.js';

/** Takes up to `limit` e-mails that are due, for `lease` ms from now. Other senders pass over them until then. */
export async function claimEmails(db: Db, limit: number, lease: number, now: Date): Promise<EmailRow[]> {
  // A CTE, which runs once; the planner may run a subquery in the WHERE clause again, and lock more than the limit.
  const due = db
    .$with('due')
    .as(
      db
        .select({ id: emails.id })
        .from(emails)
        .where(lte(emails.nextAttemptAt, now))
        .orderBy(emails.nextAttemptAt)
        .limit(limit)
        .for('update', { skipLocked: true }),
    );
  return db
    .with(due)
    .update(emails)
    .set({ attempts: sql`${emails.attempts} + 1`, nextAttemptAt: new Date(now.getTime() + lease) })
    .from(due)
    .where(eq(emails.id, due.id))
    .returning(getTableColumns(emails))
    .prepare('claim_emails')
    .execute();
}
