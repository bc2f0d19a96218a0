import {
  eventSettings,
  Port,
  postgresSettings,
  readConfig,
  Secret,
  serviceSettings,
} from '@walpost/kit/config';
import { openDatabase } from '@walpost/kit/database';
import { runService } from '@walpost/kit/lifecycle';
import { createLogger } from '@walpost/kit/logger';
import { createOutboxEncoder, keepOutboxPartitions } from '@walpost/kit/outbox';
import { followSchemaIds } from '@walpost/kit/schema-ids';
import { createRegistry } from '@walpost/schemas/registry';
import { buildApp } from './app.js';

const config = readConfig(
  {
    ...serviceSettings,
    ...postgresSettings,
    ...eventSettings,
    ORDER_PORT: Port(3000),
    ORDERS_PASSWORD: Secret(),
  },
  process.env,
);
const logger = createLogger('order-service', config.LOG_LEVEL);

await runService(logger, async (defer) => {
  const { db, ping, close } = openDatabase({
    host: config.POSTGRES_HOST,
    port: config.POSTGRES_PORT,
    database: 'orders',
    user: 'orders_app',
    password: config.ORDERS_PASSWORD,
    applicationName: 'order-service',
  });
  defer('database', close);

  const schemaIds = followSchemaIds({
    db,
    registry: createRegistry({ url: config.SCHEMA_REGISTRY_URL, clientId: 'order-service' }),
    events: ['OrderCreated', 'OrderConfirmed', 'OrderCancelled'],
    logger,
  });
  defer('schema ids', schemaIds.close);
  defer('outbox partitions', keepOutboxPartitions(db, logger));

  const app = await buildApp({
    db,
    encode: createOutboxEncoder('/walpost/order-service', schemaIds.idOf),
    clock: () => new Date(),
    logger,
    // Kafka, Connect and the registry are not among them: orders are taken in without.
    readiness: { database: ping, 'schema ids': schemaIds.ready },
  });
  defer('http', () => app.close());
  await app.listen({ host: config.HOST, port: config.ORDER_PORT });
});
