import type { Db } from '@walpost/kit/postgres/database';
import { and, desc, eq, lt } from 'drizzle-orm';
import type { Order } from './order.ts';
import { orders } from './tables.ts';

export interface OrderPage {
  orders: Order[];
  /** Where the next page begins; undefined on the last one. */
  next: string | undefined;
}

/** Finds one order by its id, a UUID. */
export async function findOrder(db: Db, id: string): Promise<Order | undefined> {
  const [order] = await db.select().from(orders).where(eq(orders.id, id));
  return order;
}

/**
 * Lists a customer's orders, the newest first.
 *
 * @param before the `next` of the page before; order ids are UUIDv7, so an id is a place in time
 */
export async function listOrders(
  db: Db,
  customerId: string,
  limit: number,
  before: string | undefined,
): Promise<OrderPage> {
  const rows = await db
    .select()
    .from(orders)
    .where(and(eq(orders.customerId, customerId), before === undefined ? undefined : lt(orders.id, before)))
    .orderBy(desc(orders.id))
    .limit(limit + 1);
  const page = rows.slice(0, limit);
  return { orders: page, next: rows.length > limit ? page.at(-1)?.id : undefined };
}
