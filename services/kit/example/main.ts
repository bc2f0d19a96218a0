import { Port, readConfig, Secret } from '@walpost/kit/config';
import { consumerServiceSettings, runConsumerService } from '@walpost/kit/consumer-service';
import { createApp } from '@walpost/kit/http';
import { runMain } from '@walpost/kit/lifecycle';
import { sql } from 'drizzle-orm';

const settings = { ...consumerServiceSettings, TOTALS_PORT: Port(3004), TOTALS_PASSWORD: Secret() };

await runMain(async () => {
  const config = readConfig(settings, process.env);
  const { TOTALS_PASSWORD: password, TOTALS_PORT: port } = config;
  await runConsumerService(
    {
      name: 'totals',
      database: 'totals',
      password,
      port,
      topics: ['order-events'],
      publishes: [],
      settings: config,
    },
    ({ logger }) => ({
      handlers: {
        // All events of a batch in one statement, the rows in one order: members of the group never wait in a circle.
        OrderConfirmed: async (tx, events) => {
          const customers = sql.param(events.map(({ data }) => data.customerId));
          const amounts = sql.param(events.map(({ data }) => data.totalAmount));
          await tx.execute(sql`
            insert into totals (customer_id, orders, amount)
            select customer, count(*), sum(amount) from unnest(${customers}::text[], ${amounts}::bigint[])
              as confirmed (customer, amount) group by customer order by customer
            on conflict (customer_id) do update
              set orders = totals.orders + excluded.orders, amount = totals.amount + excluded.amount`);
        },
      },
      ignores: ['OrderCreated', 'OrderCancelled'],
      buildApp: (readiness) => createApp({ title: 'Totals', logger, readiness }),
    }),
  );
});
