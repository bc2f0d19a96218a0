import { runMigration } from '@walpost/kit/run-migration';

await runMigration(
  {
    database: 'orders',
    passwordVariable: 'ORDERS_PASSWORD',
    publishes: true,
    module: import.meta.url,
  },
  process.env,
);
