import { type HandlersOf, ignore } from '@walpost/kit/consumer/handle-batch';
import type { ReceivedEvent } from '@walpost/kit/consumer/receive';
import type { Classified } from '@walpost/kit/errors';
import { type EncoderOf, type OutboxRow, publish } from '@walpost/kit/outbox/outbox';
import type { Tx } from '@walpost/kit/postgres/database';
import { isAnyOf } from '@walpost/kit/postgres/is-any-of';
import { childTraceparent } from '@walpost/kit/telemetry/trace';
import { answerOrder, type Order, type Reply } from './order.ts';
import { saveOrders } from './save-orders.ts';
import { orders } from './tables.ts';

type ReplyEvent = ReceivedEvent<Reply['type']>;

/**
 * An answer to an order that is not there, or not yet: Postgres writes a commit to its log, where the relay reads it, a
 * moment before other transactions see it, and on a busy machine the answer can come within that moment.
 */
class UnknownOrderError extends Error implements Classified {
  readonly code = 'unknown-order';
  readonly retryable = true;

  constructor(id: string) {
    super(`there is no order ${id}`);
  }
}

/** What the order service does about the answers of payment and inventory. */
export function onReply(
  encode: EncoderOf<'order-events'>,
  clock: () => Date,
): HandlersOf<'payment-events' | 'inventory-events'> {
  const onReplies = async (tx: Tx, replies: ReplyEvent[], batch: ReceivedEvent[]): Promise<void> => {
    const found = await lockOrders(tx, batch);
    const changed = new Set<string>();
    const rows: OutboxRow[] = [];
    const time = clock();
    for (const reply of replies) {
      const before = found.get(reply.key);
      if (!before) throw new UnknownOrderError(reply.key);
      const { order, event } = answerOrder(before, reply, time);
      found.set(order.id, order);
      changed.add(order.id);
      if (!event) continue;
      const traceparent = childTraceparent(reply.traceparent);
      rows.push(encode(event, { aggregateId: order.id, version: order.version, traceparent, time }));
    }
    const answered = [...found.values()].filter(({ id }) => changed.has(id));
    await Promise.all([saveOrders(tx, answered), publish(tx, rows)]);
  };
  return {
    PaymentAuthorized: onReplies,
    PaymentDeclined: onReplies,
    StockReserved: onReplies,
    StockRejected: onReplies,
    // What follows a cancellation that this service has decided itself.
    PaymentRefunded: ignore,
    StockReleased: ignore,
  };
}

/** Locks in the order of ids: transactions of the two topics meet on the same orders. */
async function lockOrders(tx: Tx, batch: ReceivedEvent[]): Promise<Map<string, Order>> {
  const rows = await tx
    .select()
    .from(orders)
    .where(
      isAnyOf(
        orders.id,
        batch.map(({ key }) => key),
      ),
    )
    .orderBy(orders.id)
    .for('update')
    .prepare('lock_orders')
    .execute();
  return new Map(rows.map((order) => [order.id, order]));
}
