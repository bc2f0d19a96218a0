import type { Db } from '@walpost/kit/postgres/database';
import type { Outcome } from '@walpost/kit/service/worker';
import { sql } from 'drizzle-orm';
import { type Delivery, isDeferred } from './mailer.ts';
import { type EmailRow, emails } from './tables.ts';

type EmailOutcome = Outcome<EmailRow, Delivery>;

/** Writes which e-mails were sent or refused, and when to try the others again; one statement for all. */
export async function recordEmailOutcomes(db: Db, outcomes: EmailOutcome[], now: Date): Promise<void> {
  const list = <V>(pick: (outcome: EmailOutcome) => V) => sql.param(outcomes.map(pick));
  const at = now.toISOString();
  // What is not a success counts only while nobody else has claimed the row since; that it was sent counts in any case.
  await db
    .update(emails)
    .set({
      status: sql`outcome.status`,
      sentAt: sql`case when outcome.status = 'SENT' then ${at}::timestamptz end`,
      nextAttemptAt: sql`outcome.next_attempt_at::timestamptz`,
      lastError: sql`outcome.error`,
      // From the first time on: what is sent, or refused, begins again should it be tried again.
      deferredSince: sql`case when outcome.status = 'WAITING'
        then coalesce(${emails.deferredSince}, outcome.deferred_at::timestamptz) end`,
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
      ) as outcome (id, attempts, status, error, next_attempt_at, deferred_at)`,
    )
    .where(
      sql`${emails.id} = outcome.id and ${emails.status} = 'WAITING'
        and (outcome.status = 'SENT' or ${emails.attempts} = outcome.attempts)`,
    )
    .prepare('record_email_outcomes')
    .execute();
}

/** @returns what the e-mail was refused or put off with; null when it was sent */
function errorOf(outcome: EmailOutcome): string | null {
  if ('error' in outcome) return outcome.error.message;
  return outcome.result.status === 'REFUSED' ? outcome.result.answer : null;
}
