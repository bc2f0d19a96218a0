import { runService } from '@walpost/kit';
import { sql } from 'drizzle-orm';
import system from '../../walpost.config.ts';

await runService(system, '__consumer__', ({ db }) => ({
  on: {
    // Some events of one type, in the transaction that marks them as seen. Rows are locked in one order, so that
    // members of the group never wait for each other in a circle.
    __Publisher__Created: async (tx, events) => {
      const sorted = events.toSorted((a, b) => (a.data.customerId < b.data.customerId ? -1 : 1));
      for (const { key, data } of sorted) {
        const fresh = await tx.execute(
          sql`insert into counted (key) values (${key}) on conflict (key) do nothing returning key`,
        );
        if (fresh.length === 0) continue;
        await tx.execute(sql`
          insert into totals (customer_id, events, quantity) values (${data.customerId}, 1, ${data.quantity})
          on conflict (customer_id) do update
            set events = totals.events + 1, quantity = totals.quantity + excluded.quantity`);
      }
    },
  },
  routes: (app) => {
    app.get('/totals', () =>
      db.execute(sql`select customer_id, events::int, quantity::int from totals order by customer_id`),
    );
  },
}));
