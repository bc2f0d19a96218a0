import { Port, readConfig, Secret } from '@walpost/kit/config';
import { ignore } from '@walpost/kit/consumer/handle-batch';
import { createApp } from '@walpost/kit/http/http';
import { consumerServiceSettings, runConsumerService } from '@walpost/kit/service/consumer-service';
import { runMain } from '@walpost/kit/service/lifecycle';
import { sql } from 'drizzle-orm';
import { contract } from '../../../schemas/contract.generated.ts';

const settings = { ...consumerServiceSettings, TOTALS_PORT: Port(3004), TOTALS_PASSWORD: Secret() };

await runMain(async () => {
  const config = readConfig(settings, process.env);
  const { TOTALS_PASSWORD: password, TOTALS_PORT: port } = config;
  await runConsumerService(
    {
      contract,
      name: 'totals',
      database: 'totals',
      password,
      port,
      consumes: ['order-events'],
      settings: config,
    },
    ({ logger }) => ({
      on: {
        // All events of a batch in one statement, the rows in one order: members of the group never wait in a circle. An
        // order is counted once, also when its event comes again after the inbox has forgotten it.
        OrderConfirmed: async (tx, events) => {
          const orders = sql.param(events.map(({ key }) => key));
          const customers = sql.param(events.map(({ data }) => data.customerId));
          const amounts = sql.param(events.map(({ data }) => data.totalAmount));
          await tx.execute(sql`
            with confirmed (order_id, customer, amount) as (
              select distinct on (order_id) order_id, customer, amount
              from unnest(${orders}::uuid[], ${customers}::text[], ${amounts}::bigint[])
                as event (order_id, customer, amount)
            ), fresh (order_id) as (
              insert into counted_orders (order_id) select order_id from confirmed order by order_id
              on conflict do nothing returning order_id
            )
            insert into totals (customer_id, orders, amount)
            select customer, count(*), sum(amount) from confirmed join fresh using (order_id)
              group by customer order by customer
            on conflict (customer_id) do update
              set orders = totals.orders + excluded.orders, amount = totals.amount + excluded.amount`);
        },
        OrderCreated: ignore,
        OrderCancelled: ignore,
      },
      buildApp: (readiness) => createApp({ title: 'Totals', logger, readiness }),
    }),
  );
});
