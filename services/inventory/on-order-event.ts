import { type HandlersOf, ignore } from '@walpost/kit/consumer/handle-batch';
import type { EncoderOf } from '@walpost/kit/outbox/outbox';
import { releaseStock } from './release-stock.ts';
import { reserveStock } from './reserve-stock.ts';

/** What the inventory does about order events. */
export function onOrderEvent(
  encode: EncoderOf<'inventory-events'>,
  clock: () => Date,
): HandlersOf<'order-events'> {
  return {
    OrderCreated: (tx, events, batch) => reserveStock(tx, encode, events, batch, clock()),
    OrderCancelled: (tx, events, batch) => releaseStock(tx, encode, events, batch, clock()),
    // A confirmed order keeps its reservation: nothing is shipped here, so what is on hand and what is reserved always add
    // up to the same. A shipping step would take the pieces out of `reserved`.
    OrderConfirmed: ignore,
  };
}
