import { Port, readConfig, Secret } from '@walpost/kit/config';
import { consumerServiceSettings, runConsumerService } from '@walpost/kit/service/consumer-service';
import { runMain } from '@walpost/kit/service/lifecycle';
import { contract } from '../../schemas/contract.generated.ts';
import { buildApp } from './app.ts';
import { onOrderEvent } from './on-order-event.ts';

await runMain(async () => {
  const config = readConfig(
    { ...consumerServiceSettings, INVENTORY_PORT: Port(3002), INVENTORY_PASSWORD: Secret() },
    process.env,
  );

  await runConsumerService(
    {
      contract,
      name: 'inventory-service',
      database: 'inventory',
      password: config.INVENTORY_PASSWORD,
      port: config.INVENTORY_PORT,
      consumes: ['order-events'],
      publishes: 'inventory-events',
      settings: config,
    },
    ({ openForRequests, clock, encode, logger }) => {
      const reads = openForRequests('reads', 2);
      return {
        on: onOrderEvent(encode, clock.now),
        buildApp: (readiness) => buildApp({ db: reads, logger, readiness }),
      };
    },
  );
});
