import { runMigration } from '@walpost/kit/service/run-migration';
import { contract } from '../../schemas/contract.generated.ts';

await runMigration(
  {
    database: 'inventory',
    passwordVariable: 'INVENTORY_PASSWORD',
    publishes: { contract, topic: 'inventory-events' },
    module: import.meta.url,
  },
  process.env,
);
