import { every } from '@walpost/kit/schedule';
import { runService } from '@walpost/kit/service/run-service';
import { Type } from 'typebox';
import system from '../../walpost.config.ts';
import { buildApp } from './app.ts';
import { expireOrders } from './expire-orders.ts';
import { onReply } from './on-reply.ts';
import { waitForAnswers } from './wait-for-answers.ts';

/** How often overdue orders are looked for, ms. */
const OVERDUE_CHECK = 5_000;

await runService(
  system,
  'order',
  ({ housekeeping, openForRequests, clock, encode, env, logger, defer }) => {
    const overdueBefore = waitForAnswers(env.ORDER_REPLY_WITHIN_S * 1000);
    defer(
      'overdue orders',
      every(OVERDUE_CHECK, 'cancel overdue orders', logger, async () => {
        await clock.compare();
        const now = clock.now();
        const placedBefore = overdueBefore(now);
        if (!placedBefore) return;
        const cancelled = await expireOrders(housekeeping, encode, placedBefore, now);
        if (cancelled > 0) logger.warn({ cancelled }, 'orders cancelled, their answers are overdue');
      }),
    );
    const databases = {
      intake: openForRequests('intake', 5),
      cancels: openForRequests('cancels', 3),
      reads: openForRequests('reads', 3),
    };
    return {
      on: onReply(encode, clock.now),
      // Orders are taken in without Kafka, so the consumer has no say in whether this service is ready.
      buildApp: ({ consumer: _kafka, ...readiness }) =>
        buildApp({ databases, encode, clock: clock.now, logger, readiness }),
    };
  },
  { ORDER_REPLY_WITHIN_S: Type.Integer({ default: 300, minimum: 1 }) },
);
