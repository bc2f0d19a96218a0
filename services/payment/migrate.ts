import { runMigration } from '@walpost/kit/service/run-migration';
import { contract } from '../../schemas/contract.generated.ts';

await runMigration(
  {
    database: 'payments',
    passwordVariable: 'PAYMENTS_PASSWORD',
    publishes: { contract, topic: 'payment-events' },
    module: import.meta.url,
  },
  process.env,
);
