// A process that polls the outboxes of all services, in place of Kafka Connect.
import { alternativeConfig, listen, openPool, openProducer } from './program.ts';
import { pollWalpostOutbox } from './walpost-outbox.ts';

const config = alternativeConfig(process.env);
const producer = await openProducer(config);
const outboxes: [string, string][] = [
  ['orders', config.ORDERS_PASSWORD],
  ['payments', config.PAYMENTS_PASSWORD],
  ['inventory', config.INVENTORY_PASSWORD],
];
for (const [database, password] of outboxes)
  pollWalpostOutbox({
    sql: openPool(config, database, password),
    producer,
    // What was not published stays in the table for the next turn.
    onError: (error) => console.error(error),
  });

await listen(config.ALTERNATIVE_PORT, () => undefined);
