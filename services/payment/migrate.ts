import { runMigration } from '@walpost/kit/run-migration';

await runMigration(
  {
    database: 'payments',
    passwordVariable: 'PAYMENTS_PASSWORD',
    publishes: true,
    module: import.meta.url,
  },
  process.env,
);
