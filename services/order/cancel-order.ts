import { type EncoderOf, publish } from '@walpost/kit/outbox/outbox';
import type { Db } from '@walpost/kit/postgres/database';
import { eq } from 'drizzle-orm';
import { cancelOrder, type Order } from './order.ts';
import { saveOrders } from './save-orders.ts';
import { orders } from './tables.ts';

export type CancelOrder = (id: string, traceparent: string) => Promise<Order | undefined>;

/**
 * Makes the operation by which a customer cancels an order. It gives the order as it is then, or undefined when there
 * is none with this id, and throws OrderError `order-finished` when it is too late.
 *
 * Requests for one order go one after another and hold one connection, however many there are; when one fails, those
 * that wait behind it fail with it, for they would meet the same.
 */
export function createCancelOrder(db: Db, encode: EncoderOf<'order-events'>, clock: () => Date): CancelOrder {
  const lastOf = new Map<string, Promise<Order | undefined>>();

  const cancel: CancelOrder = (id, traceparent) =>
    db.transaction(async (tx) => {
      const [found] = await tx.select().from(orders).where(eq(orders.id, id)).for('update');
      if (!found) return undefined;
      const time = clock();
      const { order, event } = cancelOrder(found, 'cancelled by the customer', time);
      await saveOrders(tx, [order]);
      const envelope = { aggregateId: order.id, version: order.version, traceparent, time };
      await publish(tx, [encode(event, envelope)]);
      return order;
    });

  return async (id, traceparent) => {
    const before = lastOf.get(id);
    const own = before ? before.then(() => cancel(id, traceparent)) : cancel(id, traceparent);
    lastOf.set(id, own);
    try {
      return await own;
    } finally {
      if (lastOf.get(id) === own) lastOf.delete(id);
    }
  };
}
