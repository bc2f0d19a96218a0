import { ignore, runService } from '@walpost/kit';
import { sql } from 'drizzle-orm';
import system from '../../walpost.config.ts';

await runService(system, 'totals', () => ({
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
}));
