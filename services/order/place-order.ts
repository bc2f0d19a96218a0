import { createHash } from 'node:crypto';
import type { Db } from '@walpost/kit/database';
import { countWritten } from '@walpost/kit/metrics/events';
import type { OutboxEncoder } from '@walpost/kit/outbox';
import { withSpan } from '@walpost/kit/trace';
import { eq, sql } from 'drizzle-orm';
import { v7 as uuidv7 } from 'uuid';
import { type Order, type OrderRequest, placeOrder } from './order.js';
import { orders, outbox } from './tables.js';

/** What came with the request, beside its body. */
export interface PlaceOrderContext {
  idempotencyKey: string | undefined;
  traceparent: string | undefined;
}

export type PlaceOrderResult =
  | { outcome: 'placed' | 'replayed'; order: Order }
  /** The key was used before, with another body. */
  | { outcome: 'key-reused' };

export type PlaceOrder = (request: OrderRequest, context: PlaceOrderContext) => Promise<PlaceOrderResult>;

/**
 * Makes the operation that takes an order in: order and outbox row in one statement, so in one transaction and one
 * round trip. It is prepared, once for each connection.
 *
 * The operation throws OrderError for an order that cannot be, SchemaIdUnknownError before the first contact with the
 * registry, and the driver's errors. When the connection breaks in the middle the outcome is unknown; a client finds
 * out by sending the same idempotency key again.
 */
export function createPlaceOrder(db: Db, encode: OutboxEncoder, clock: () => Date): PlaceOrder {
  const insert = prepareInsert(db);

  const place = async (
    request: OrderRequest,
    idempotencyKey: string | undefined,
    traceparent: string,
  ): Promise<PlaceOrderResult> => {
    const { order, event } = placeOrder(request, uuidv7(), clock());
    const row = encode(event, {
      aggregateId: order.id,
      version: order.version,
      traceparent,
      time: order.createdAt,
    });
    const requestHash = idempotencyKey === undefined ? null : hash(request);
    const { id: eventId, ...columns } = row;
    const placed = await insert.execute({
      ...columns,
      eventId,
      ...order,
      idempotencyKey: idempotencyKey ?? null,
      requestHash,
    });
    countWritten(row.type, placed.count);
    if (placed.count > 0 || idempotencyKey === undefined || requestHash === null)
      return { outcome: 'placed', order };
    return replay(db, idempotencyKey, requestHash);
  };
  return (request, { idempotencyKey, traceparent: parent }) =>
    withSpan('INSERT orders, outbox', { kind: 'client', parent, attributes: DATABASE }, (traceparent) =>
      place(request, idempotencyKey, traceparent),
    );
}

const DATABASE = { 'db.system.name': 'postgresql', 'db.namespace': 'orders', 'db.operation.name': 'INSERT' };

function prepareInsert(db: Db) {
  const value = sql.placeholder;
  const placed = db.$with('placed').as(
    db
      .insert(orders)
      .values({
        id: value('id'),
        customerId: value('customerId'),
        currency: value('currency'),
        items: value('items'),
        totalAmount: value('totalAmount'),
        status: value('status'),
        payment: value('payment'),
        stock: value('stock'),
        version: value('version'),
        createdAt: value('createdAt'),
        idempotencyKey: value('idempotencyKey'),
        requestHash: value('requestHash'),
      })
      .onConflictDoNothing({ target: orders.idempotencyKey })
      .returning({ id: orders.id, version: orders.version, createdAt: orders.createdAt }),
  );
  // The columns in the order of the table's definition. No order placed, no row to select from, no event. What was
  // written is counted, not returned: the application may not read the outbox.
  const row = sql`select ${value('eventId')}::uuid, ${value('aggregatetype')}, ${placed.id}::text, ${placed.version},
    ${value('type')}, ${value('payload')}::bytea, ${value('ceSource')}, ${value('ceSpecversion')},
    ${value('contentType')}, ${value('traceparent')}, ${placed.createdAt} from ${placed}`;
  return db.with(placed).insert(outbox).select(row).prepare('place_order');
}

/** The answer that the key's first request got: an order as it was when it was placed. */
async function replay(db: Db, idempotencyKey: string, requestHash: string): Promise<PlaceOrderResult> {
  const [found] = await db.select().from(orders).where(eq(orders.idempotencyKey, idempotencyKey));
  if (found?.requestHash !== requestHash) return { outcome: 'key-reused' };
  return {
    outcome: 'replayed',
    order: {
      ...found,
      status: 'PENDING',
      payment: 'PENDING',
      stock: 'PENDING',
      cancellationReason: null,
      version: 1,
    },
  };
}

/** The same order gives the same hash, in whatever order its JSON names the fields. */
function hash({ customerId, currency, items }: OrderRequest): string {
  const canonical = [customerId, currency, items.map((item) => [item.sku, item.quantity, item.unitPrice])];
  return createHash('sha256').update(JSON.stringify(canonical)).digest('hex');
}
