import { Port, readConfig, Secret } from '@walpost/kit/config';
import { every } from '@walpost/kit/schedule';
import { consumerServiceSettings, runConsumerService } from '@walpost/kit/service/consumer-service';
import { runMain } from '@walpost/kit/service/lifecycle';
import { Type } from 'typebox';
import { contract } from '../../schemas/contract.generated.ts';
import { buildApp } from './app.ts';
import { expireOrders } from './expire-orders.ts';
import { onReply } from './on-reply.ts';
import { waitForAnswers } from './wait-for-answers.ts';

/** How often overdue orders are looked for, ms. */
const OVERDUE_CHECK = 5_000;

await runMain(async () => {
  const config = readConfig(
    {
      ...consumerServiceSettings,
      ORDER_PORT: Port(3000),
      ORDERS_PASSWORD: Secret(),
      ORDER_REPLY_WITHIN_S: Type.Integer({ default: 300, minimum: 1 }),
    },
    process.env,
  );
  await runConsumerService(
    {
      contract,
      name: 'order-service',
      database: 'orders',
      password: config.ORDERS_PASSWORD,
      port: config.ORDER_PORT,
      consumes: ['payment-events', 'inventory-events'],
      publishes: 'order-events',
      settings: config,
    },
    ({ housekeeping, openForRequests, clock, encode, logger, defer }) => {
      const overdueBefore = waitForAnswers(config.ORDER_REPLY_WITHIN_S * 1000);
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
  );
});
