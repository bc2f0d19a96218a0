import { type App, createApp, type ReadinessChecks } from '@walpost/kit/http/http';
import type { EncoderOf } from '@walpost/kit/outbox/outbox';
import type { Db } from '@walpost/kit/postgres/database';
import type { Logger } from '@walpost/kit/telemetry/logger';
import { createCancelOrder } from './cancel-order.ts';
import { createPlaceOrder } from './place-order.ts';
import { orderRoutes } from './routes.ts';

export interface OrderAppOptions {
  /** Connections by purpose: what waits for an order's row keeps nobody else waiting. They may be one. */
  databases: { intake: Db; cancels: Db; reads: Db };
  encode: EncoderOf<'order-events'>;
  clock: () => Date;
  logger: Logger;
  readiness: ReadinessChecks;
}

/** Builds the order service's HTTP application, the same for production and tests. It does not listen yet. */
export async function buildApp({
  databases,
  encode,
  clock,
  logger,
  readiness,
}: OrderAppOptions): Promise<App> {
  const app = await createApp({ title: 'Walpost order service', logger, readiness });
  await app.register(
    orderRoutes({
      db: databases.reads,
      placeOrder: createPlaceOrder(databases.intake, encode, clock),
      cancelOrder: createCancelOrder(databases.cancels, encode, clock),
    }),
  );
  return app;
}
