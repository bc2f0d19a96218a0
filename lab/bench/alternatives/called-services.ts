// Payment and inventory as services that are called: they answer when their effect is committed.

import { newId } from '@walpost/kit/new-id';
import type { Order } from '../../../services/order/order.ts';
import { alternativeConfig, listen, openPool } from './program.ts';

const config = alternativeConfig(process.env);
const payments = openPool(config, 'payments', config.PAYMENTS_PASSWORD);
const inventory = openPool(config, 'inventory', config.INVENTORY_PASSWORD);

await listen(config.ALTERNATIVE_PORT, (app) => {
  app.post('/payments', async ({ body }) => {
    const { id, customerId, totalAmount, currency } = body as Order;
    await payments`insert into payments
      (id, order_id, customer_id, amount, currency, status, version, created_at, updated_at)
      values (${newId(new Date())}, ${id}, ${customerId}, ${totalAmount}, ${currency}, 'AUTHORIZED', 1, now(), now())
      on conflict (order_id) do nothing`;
    return {};
  });
  app.post('/reservations', async ({ body }) => {
    const { id, items } = body as Order;
    await inventory.begin(async (tx) => {
      // In one order, so that two reservations never wait for each other in a circle.
      for (const { sku, quantity } of items.toSorted((a, b) => (a.sku < b.sku ? -1 : 1))) {
        await tx`update stock set on_hand = on_hand - ${quantity}, reserved = reserved + ${quantity} where sku = ${sku}`;
        await tx`insert into reservations (order_id, sku, quantity, status, updated_at)
          values (${id}, ${sku}, ${quantity}, 'RESERVED', now())`;
      }
    });
    return {};
  });
});
