import type { EncoderOf } from '@walpost/kit/outbox/outbox';
import type { Db } from '@walpost/kit/postgres/database';
import { type RunningWorker, recallRows, startWorker } from '@walpost/kit/service/worker';
import type { Logger } from '@walpost/kit/telemetry/logger';
import { withSpan } from '@walpost/kit/telemetry/trace';
import { callGateway } from './call-gateway.ts';
import { claimPayments } from './claim-payments.ts';
import type { PaymentGateway } from './gateway.ts';
import { recordPaymentOutcomes } from './record-payment-outcomes.ts';
import { payments } from './tables.ts';

export interface PaymentWorkerOptions {
  db: Db;
  encode: EncoderOf<'payment-events'>;
  gateway: PaymentGateway;
  clock: () => Date;
  logger: Logger;
}

/** Starts what calls the gateway for payments that wait for it. Any number may run side by side. */
export function startPaymentWorker({
  db,
  encode,
  gateway,
  clock,
  logger,
}: PaymentWorkerOptions): RunningWorker {
  return startWorker({
    name: 'payments',
    logger,
    claim: (limit, lease) => claimPayments(db, limit, lease, clock()),
    keyOf: ({ orderId }) => orderId,
    perform: (payment, signal) =>
      withSpan(
        payment.status === 'REFUNDING' ? 'refund payment' : 'authorize payment',
        {
          parent: payment.traceparent ?? undefined,
          attributes: { 'walpost.key': payment.orderId, 'walpost.attempt': payment.attempts },
        },
        () => callGateway(gateway, payment, signal),
      ),
    recall: () => recallRows(db, payments.nextAttemptAt, clock()),
    recordOutcomes: (outcomes) => recordPaymentOutcomes(db, encode, outcomes, clock()),
    concurrency: 50,
  });
}
