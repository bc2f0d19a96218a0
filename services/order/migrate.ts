import { runMigration } from '@walpost/kit/service/run-migration';
import { contract } from '../../schemas/contract.generated.ts';

await runMigration(
  {
    database: 'orders',
    passwordVariable: 'ORDERS_PASSWORD',
    publishes: { contract, topic: 'order-events' },
    module: import.meta.url,
  },
  process.env,
);
