import { runService } from '@walpost/kit/service/run-service';
import { Type } from 'typebox';
import system from '../../walpost.config.ts';
import { buildApp } from './app.ts';
import { onOrderEvent } from './on-order-event.ts';
import { createSimulatedGateway } from './simulated-gateway.ts';
import { startPaymentWorker } from './start-payment-worker.ts';

await runService(
  system,
  'payment',
  ({ open, openForRequests, clock, encode, env, logger, defer }) => {
    const gateway = createSimulatedGateway({
      limit: env.PAYMENT_LIMIT,
      declinedCustomers: env.PAYMENT_DECLINED_CUSTOMERS.split(',').map((each) => each.trim()),
      latency: env.PAYMENT_GATEWAY_LATENCY_MS,
    });
    const worker = startPaymentWorker({ db: open('worker', 4), encode, gateway, clock: clock.now, logger });
    defer('payment worker', worker.close);
    const reads = openForRequests('reads', 2);
    return {
      on: onOrderEvent(encode, clock.now),
      onHandled: worker.wake,
      buildApp: (readiness) => buildApp({ db: reads, logger, readiness }),
    };
  },
  {
    PAYMENT_LIMIT: Type.Integer({ default: 1_000_000, minimum: 0 }),
    PAYMENT_DECLINED_CUSTOMERS: Type.String({ default: 'mallory' }),
    PAYMENT_GATEWAY_LATENCY_MS: Type.Integer({ default: 0, minimum: 0, maximum: 10_000 }),
  },
);
