import type { Db } from '@walpost/kit/database';
import type { Outcome } from '@walpost/kit/worker';
import { sql } from 'drizzle-orm';
import { type EmailRow, emails } from './tables.js';

/** Writes which e-mails were sent, and when to try the others again; one statement for all. */
export async function settleEmails(db: Db, outcomes: Outcome<EmailRow, void>[], now: Date): Promise<void> {
  const list = <V>(pick: (outcome: Outcome<EmailRow, void>) => V) => sql.param(outcomes.map(pick));
  const at = now.toISOString();
  // A failure counts only while nobody else has claimed the row since; that it was sent counts in any case.
  await db
    .update(emails)
    .set({
      status: sql`case when settled.error is null then 'SENT' else 'WAITING' end`,
      sentAt: sql`case when settled.error is null then ${at}::timestamptz end`,
      nextAttemptAt: sql`settled.next_attempt_at::timestamptz`,
      lastError: sql`settled.error`,
    })
    .from(
      sql`unnest(
        ${list(({ item }) => item.id)}::uuid[],
        ${list(({ item }) => item.attempts)}::integer[],
        ${list((outcome) => ('error' in outcome ? outcome.error.message : null))}::text[],
        ${list((outcome) =>
          'error' in outcome ? new Date(now.getTime() + outcome.retryIn).toISOString() : null,
        )}::text[]
      ) as settled (id, attempts, error, next_attempt_at)`,
    )
    .where(
      sql`${emails.id} = settled.id and ${emails.status} = 'WAITING'
        and (settled.error is null or ${emails.attempts} = settled.attempts)`,
    )
    .prepare('settle_emails')
    .execute();
}
