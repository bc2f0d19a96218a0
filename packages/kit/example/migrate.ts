import { runMigration } from '@walpost/kit/service/run-migration';

const { url: module } = import.meta;
await runMigration(
  { database: 'totals', passwordVariable: 'TOTALS_PASSWORD', publishes: [], module },
  process.env,
);
