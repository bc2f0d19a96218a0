import { runMigration } from '@walpost/kit/service/run-migration';
import { publishedEvents } from './published-events.js';

await runMigration(
  {
    database: 'orders',
    passwordVariable: 'ORDERS_PASSWORD',
    publishes: publishedEvents,
    module: import.meta.url,
  },
  process.env,
);
