import type { Tx } from '@walpost/kit/postgres/database';
import { sql } from 'drizzle-orm';
import type { Order } from './order.ts';
import { orders } from './tables.ts';

/** Writes what can change about orders: one statement for any number of them. Their rows must be locked. */
export async function saveOrders(tx: Tx, changed: Order[]): Promise<void> {
  const column = <K extends keyof Order>(name: K) =>
    sql.param(changed.map((order) => orders[name].mapToDriverValue(order[name])));
  await tx
    .update(orders)
    .set({
      status: sql`changed.status`,
      payment: sql`changed.payment`,
      stock: sql`changed.stock`,
      cancellationReason: sql`changed.cancellation_reason`,
      version: sql`changed.version`,
    })
    .from(
      sql`unnest(${column('id')}::uuid[], ${column('status')}::text[], ${column('payment')}::text[],
        ${column('stock')}::text[], ${column('cancellationReason')}::text[], ${column('version')}::integer[])
        as changed (id, status, payment, stock, cancellation_reason, version)`,
    )
    .where(sql`${orders.id} = changed.id`)
    .prepare('save_orders')
    .execute();
}
