import { runMigration } from '@walpost/kit/service/run-migration';

await runMigration(
  { database: 'totals', passwordVariable: 'TOTALS_PASSWORD', module: import.meta.url },
  process.env,
);
