import { Port, readConfig, Secret } from '@walpost/kit/config';
import { consumerServiceSettings, runConsumerService } from '@walpost/kit/service/consumer-service';
import { runMain } from '@walpost/kit/service/lifecycle';
import { Type } from 'typebox';
import { contract } from '../../schemas/contract.generated.ts';
import { buildApp } from './app.ts';
import { onOrderEvent } from './on-order-event.ts';
import { createSimulatedGateway } from './simulated-gateway.ts';
import { startPaymentWorker } from './start-payment-worker.ts';

await runMain(async () => {
  const config = readConfig(
    {
      ...consumerServiceSettings,
      PAYMENT_PORT: Port(3001),
      PAYMENTS_PASSWORD: Secret(),
      PAYMENT_LIMIT: Type.Integer({ default: 1_000_000, minimum: 0 }),
      PAYMENT_DECLINED_CUSTOMERS: Type.String({ default: 'mallory' }),
      PAYMENT_GATEWAY_LATENCY_MS: Type.Integer({ default: 0, minimum: 0, maximum: 10_000 }),
    },
    process.env,
  );

  await runConsumerService(
    {
      contract,
      name: 'payment-service',
      database: 'payments',
      password: config.PAYMENTS_PASSWORD,
      port: config.PAYMENT_PORT,
      consumes: ['order-events'],
      publishes: 'payment-events',
      backlog: 'payments',
      settings: config,
    },
    ({ open, openForRequests, clock, encode, logger, defer }) => {
      const gateway = createSimulatedGateway({
        limit: config.PAYMENT_LIMIT,
        declinedCustomers: config.PAYMENT_DECLINED_CUSTOMERS.split(',').map((each) => each.trim()),
        latency: config.PAYMENT_GATEWAY_LATENCY_MS,
      });
      const worker = startPaymentWorker({
        db: open('worker', 4),
        encode,
        gateway,
        clock: clock.now,
        logger,
      });
      defer('payment worker', worker.close);
      const reads = openForRequests('reads', 2);
      return {
        on: onOrderEvent(encode, clock.now),
        onHandled: worker.wake,
        buildApp: (readiness) => buildApp({ db: reads, logger, readiness }),
      };
    },
  );
});
