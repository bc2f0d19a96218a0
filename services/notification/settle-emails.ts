import type { Db } from '@walpost/kit/postgres/database';
import type { Outcome } from '@walpost/kit/service/worker';
import { sql } from 'drizzle-orm';
import { type Delivery, isDeferred } from './mailer.js';
import { type EmailRow, emails } from './tables.js';

type EmailOutcome = Outcome<EmailRow, Delivery>;

/** Writes which e-mails were sent or refused, and when to try the others again; one statement for all. */
export async function settleEmails(db: Db, outcomes: EmailOutcome[], now: Date): Promise<void> {
  const list = <V>(pick: (outcome: EmailOutcome) => V) => sql.param(outcomes.map(pick));
  const at = now.toISOString();
  // What is not a success counts only while nobody else has claimed the row since; that it was sent counts in any case.
  await db
    .update(emails)
    .set({
      status: sql`settled.status`,
      sentAt: sql`case when settled.status = 'SENT' then ${at}::timestamptz end`,
      nextAttemptAt: sql`settled.next_attempt_at::timestamptz`,
      lastError: sql`settled.error`,
      // From the first time on: what is sent, or refused, begins anew should it be tried again.
      deferredSince: sql`case when settled.status = 'WAITING'
        then coalesce(${emails.deferredSince}, settled.deferred_at::timestamptz) end`,
    })
    .from(
      sql`unnest(
        ${list(({ item }) => item.id)}::uuid[],
        ${list(({ item }) => item.attempts)}::integer[],
        ${list((outcome) => ('error' in outcome ? 'WAITING' : outcome.result.status))}::text[],
        ${list(errorOf)}::text[],
        ${list((outcome) =>
          'error' in outcome ? new Date(now.getTime() + outcome.retryIn).toISOString() : null,
        )}::text[],
        ${list((outcome) => ('error' in outcome && isDeferred(outcome.error) ? at : null))}::text[]
      ) as settled (id, attempts, status, error, next_attempt_at, deferred_at)`,
    )
    .where(
      sql`${emails.id} = settled.id and ${emails.status} = 'WAITING'
        and (settled.status = 'SENT' or ${emails.attempts} = settled.attempts)`,
    )
    .prepare('settle_emails')
    .execute();
}

/** @returns what the e-mail was refused or put off with; null when it was sent */
function errorOf(outcome: EmailOutcome): string | null {
  if ('error' in outcome) return outcome.error.message;
  return outcome.result.status === 'REFUSED' ? outcome.result.answer : null;
}
