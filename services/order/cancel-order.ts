import type { Db } from '@walpost/kit/database';
import { type OutboxEncoder, publish } from '@walpost/kit/outbox';
import { eq } from 'drizzle-orm';
import { cancelOrder, type Order } from './order.js';
import { saveOrders } from './save-orders.js';
import { orders } from './tables.js';

export type CancelOrder = (id: string, traceparent: string) => Promise<Order | undefined>;

/**
 * Makes the operation by which a customer cancels an order. It gives the order as it is then, or undefined when there
 * is none with this id, and throws OrderError `order-finished` when it is too late.
 */
export function createCancelOrder(db: Db, encode: OutboxEncoder, clock: () => Date): CancelOrder {
  return (id, traceparent) =>
    db.transaction(async (tx) => {
      const [found] = await tx.select().from(orders).where(eq(orders.id, id)).for('update');
      if (!found) return undefined;
      const time = clock();
      const { order, event } = cancelOrder(found, 'cancelled by the customer', time);
      await saveOrders(tx, [order]);
      const envelope = { aggregateId: id, version: order.version, traceparent, time };
      await publish(tx, [encode(event, envelope)]);
      return order;
    });
}
