import { runMigration } from '@walpost/kit/service/run-migration';
import { publishedEvents } from './published-events.js';

await runMigration(
  {
    database: 'payments',
    passwordVariable: 'PAYMENTS_PASSWORD',
    publishes: publishedEvents,
    module: import.meta.url,
  },
  process.env,
);
