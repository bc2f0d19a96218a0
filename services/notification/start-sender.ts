import type { Db } from '@walpost/kit/postgres/database';
import { type RunningWorker, recallRows, startWorker } from '@walpost/kit/service/worker';
import type { Logger } from '@walpost/kit/telemetry/logger';
import { withSpan } from '@walpost/kit/telemetry/trace';
import { claimEmails } from './claim-emails.ts';
import { type Delivery, isDeferred, type Mailer } from './mailer.ts';
import { recordEmailOutcomes } from './record-email-outcomes.ts';
import { renewEmails } from './renew-emails.ts';
import { type EmailRow, emails } from './tables.ts';

/** How many e-mails a sender hands over at once. */
export const SENDER_CONNECTIONS = 10;

const FIRST_WAIT = 500;
/** The longest wait for a server that is away: all e-mails wait for it, and none has reached it. */
const LAST_WAIT_FOR_SERVER = 60_000;
/** The longest before an e-mail is tried again that the server has put off, or may have: RFC 5321, 4.5.4.1. */
const LAST_WAIT = 30 * 60_000;
/** For how long it is tried again, ms: the same place of RFC 5321. */
const DEFERRED_FOR = 5 * 24 * 60 * 60_000;

export interface SenderOptions {
  db: Db;
  mailer: Pick<Mailer, 'send'>;
  clock: () => Date;
  logger: Logger;
  /** How long a sender that has died holds its e-mails, ms; 30,000 when not given. */
  lease?: number;
}

/** Starts what sends the waiting e-mails. Any number may run side by side. */
export function startSender({ db, mailer, clock, logger, lease = 30_000 }: SenderOptions): RunningWorker {
  return startWorker({
    name: 'emails',
    logger,
    claim: (limit, forLease) => claimEmails(db, limit, forLease, clock()),
    keyOf: ({ orderId }) => orderId,
    renew: (held, forLease) => renewEmails(db, held, forLease, clock()),
    perform: (email, signal) =>
      withSpan(
        'send e-mail',
        {
          parent: email.traceparent ?? undefined,
          attributes: { 'walpost.key': email.orderId, 'walpost.attempt': email.attempts },
        },
        () => mailer.send(email, signal).catch((error: unknown) => giveUp(email, error, clock())),
      ),
    recall: () => recallRows(db, emails.nextAttemptAt, clock()),
    recordOutcomes: (outcomes) => recordEmailOutcomes(db, outcomes, clock()),
    concurrency: SENDER_CONNECTIONS,
    lease,
    retry: {
      first: FIRST_WAIT,
      last: (error) => (isDeferred(error) ? LAST_WAIT : LAST_WAIT_FOR_SERVER),
    },
  });
}

/** What was put off for too long is refused with the last answer: somebody hears of it, and may have it tried again. */
function giveUp({ deferredSince }: EmailRow, error: unknown, now: Date): Delivery {
  const isLate = deferredSince !== null && now.getTime() - deferredSince.getTime() >= DEFERRED_FOR;
  if (isLate && isDeferred(error)) return { status: 'REFUSED', answer: error.message };
  throw error;
}
