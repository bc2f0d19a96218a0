import { type EncoderOf, publish } from '@walpost/kit/outbox/outbox';
import type { Db } from '@walpost/kit/postgres/database';
import { childTraceparent } from '@walpost/kit/telemetry/trace';
import { and, eq, lt } from 'drizzle-orm';
import { expireOrder } from './order.ts';
import { saveOrders } from './save-orders.ts';
import { orders } from './tables.ts';

/** How many orders one transaction ends. */
const AT_ONCE = 500;

/**
 * Cancels pending orders that were placed before a moment and still miss an answer. Several instances may do it side by
 * side: each skips what another has locked.
 *
 * @returns how many were cancelled
 */
export async function expireOrders(
  db: Db,
  encode: EncoderOf<'order-events'>,
  placedBefore: Date,
  now: Date,
): Promise<number> {
  return db.transaction(async (tx) => {
    const overdue = await tx
      .select()
      .from(orders)
      .where(and(eq(orders.status, 'PENDING'), lt(orders.createdAt, placedBefore)))
      .orderBy(orders.createdAt)
      .limit(AT_ONCE)
      .for('update', { skipLocked: true });
    if (overdue.length === 0) return 0;
    const decided = overdue.map((order) => expireOrder(order, now));
    await saveOrders(
      tx,
      decided.map(({ order }) => order),
    );
    const rows = decided.map(({ order: { id, version }, event }) =>
      encode(event, { aggregateId: id, version, traceparent: childTraceparent(undefined), time: now }),
    );
    await publish(tx, rows);
    return decided.length;
  });
}
