import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { Db } from '@walpost/kit/database';
import { type App, createApp, type ReadinessChecks } from '@walpost/kit/http';
import type { Logger } from '@walpost/kit/logger';
import type { OutboxEncoder } from '@walpost/kit/outbox';
import { createCancelOrder } from './cancel-order.js';
import { createPlaceOrder } from './place-order.js';
import { orderRoutes } from './routes.js';

export interface OrderAppOptions {
  db: Db;
  encode: OutboxEncoder;
  clock: () => Date;
  logger: Logger;
  readiness: ReadinessChecks;
}

/** Builds the order service's HTTP application, the same for production and tests. It does not listen yet. */
export async function buildApp({ db, encode, clock, logger, readiness }: OrderAppOptions): Promise<App> {
  const app = createApp(logger, readiness);
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Walpost order service', version: '1.0.0', license: { name: 'Apache-2.0' } },
    },
    refResolver: { buildLocalReference: (json) => String(json['$id']) },
  });
  await app.register(swaggerUi, { routePrefix: '/docs' });
  await app.register(
    orderRoutes({
      db,
      placeOrder: createPlaceOrder(db, encode, clock),
      cancelOrder: createCancelOrder(db, encode, clock),
    }),
  );
  return app;
}
