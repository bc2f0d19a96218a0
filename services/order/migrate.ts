import { runMigration } from '@walpost/kit/service/run-migration';
import { contract } from '../../schemas/contract.generated.js';
import { publishedEvents } from './published-events.js';

await runMigration(
  {
    database: 'orders',
    passwordVariable: 'ORDERS_PASSWORD',
    publishes: { contract, events: publishedEvents },
    module: import.meta.url,
  },
  process.env,
);
