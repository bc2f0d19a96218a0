import { runMigration } from '@walpost/kit/service/run-migration';

await runMigration(
  {
    database: 'notifications',
    passwordVariable: 'NOTIFICATIONS_PASSWORD',
    publishes: [],
    module: import.meta.url,
  },
  process.env,
);
