import { runMigration } from '@walpost/kit/service/run-migration';

await runMigration(
  {
    database: 'notifications',
    passwordVariable: 'NOTIFICATIONS_PASSWORD',
    module: import.meta.url,
  },
  process.env,
);
