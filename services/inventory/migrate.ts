import { runMigration } from '@walpost/kit/run-migration';

await runMigration(
  {
    database: 'inventory',
    passwordVariable: 'INVENTORY_PASSWORD',
    publishes: true,
    module: import.meta.url,
  },
  process.env,
);
