import type { Db } from '@walpost/kit/database';
import type { Logger } from '@walpost/kit/logger';
import { withSpan } from '@walpost/kit/trace';
import { type RunningWorker, startWorker } from '@walpost/kit/worker';
import { claimEmails } from './claim-emails.js';
import type { Mailer } from './mailer.js';
import { settleEmails } from './settle-emails.js';

/** How many e-mails a sender hands over at once. */
export const SENDER_CONNECTIONS = 10;

export interface SenderOptions {
  db: Db;
  mailer: Pick<Mailer, 'send'>;
  clock: () => Date;
  logger: Logger;
}

/** Starts what sends the waiting e-mails. Any number may run side by side. */
export function startSender({ db, mailer, clock, logger }: SenderOptions): RunningWorker {
  return startWorker({
    name: 'emails',
    logger,
    claim: (limit, lease) => claimEmails(db, limit, lease, clock()),
    perform: (email) =>
      withSpan(
        'send e-mail',
        {
          kind: 'client',
          parent: email.traceparent ?? undefined,
          attributes: { 'walpost.order.id': email.orderId, 'walpost.attempt': email.attempts },
        },
        () => mailer.send(email),
      ),
    settle: (outcomes) => settleEmails(db, outcomes, clock()),
    concurrency: SENDER_CONNECTIONS,
    retry: { first: 500, last: 60_000 },
  });
}
