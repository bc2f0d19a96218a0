import type { ReceivedEvent } from '@walpost/kit/consumer/receive';
import { type EncoderOf, publish } from '@walpost/kit/outbox/outbox';
import type { Tx } from '@walpost/kit/postgres/database';
import { isAnyOf } from '@walpost/kit/postgres/is-any-of';
import { childTraceparent } from '@walpost/kit/telemetry/trace';
import { and, eq } from 'drizzle-orm';
import { lockStock } from './lock-stock.ts';
import { saveStock } from './save-stock.ts';
import { type Line, release } from './stock.ts';
import { reservations } from './tables.ts';

/** Always the second event of an order: only what was reserved is released, and only once. */
const VERSION = 2;

/** Puts back what cancelled orders had reserved. An order that had nothing reserved is passed over. */
export async function releaseStock(
  tx: Tx,
  encode: EncoderOf<'inventory-events'>,
  events: ReceivedEvent<'OrderCancelled'>[],
  batch: readonly ReceivedEvent[],
  now: Date,
): Promise<void> {
  const cancels = new Map(events.map((event) => [event.data.orderId, event]));
  const before = await lockStock(tx, batch);
  const released = await tx
    .update(reservations)
    .set({ status: 'RELEASED', updatedAt: now })
    .where(and(isAnyOf(reservations.orderId, [...cancels.keys()]), eq(reservations.status, 'RESERVED')))
    .returning({
      orderId: reservations.orderId,
      sku: reservations.sku,
      quantity: reservations.quantity,
    })
    .prepare('release_reservations')
    .execute();
  await saveStock(tx, before, release(before, released));

  const byOrder = new Map<string, Line[]>();
  for (const { orderId, ...line } of released) byOrder.set(orderId, [...(byOrder.get(orderId) ?? []), line]);
  await publish(
    tx,
    [...byOrder].map(([orderId, items]) =>
      encode(
        { type: 'StockReleased', data: { orderId, items, releasedAt: now.getTime() } },
        {
          aggregateId: orderId,
          version: VERSION,
          traceparent: childTraceparent(cancels.get(orderId)?.traceparent),
          time: now,
        },
      ),
    ),
  );
}
