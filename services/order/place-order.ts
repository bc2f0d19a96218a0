import { createHash } from 'node:crypto';
import { databaseFault } from '@walpost/kit/errors';
import { mergeCalls } from '@walpost/kit/merge-calls';
import { newId } from '@walpost/kit/new-id';
import { countWritten } from '@walpost/kit/outbox/metrics';
import type { EncoderOf, OutboxRow } from '@walpost/kit/outbox/outbox';
import type { Db } from '@walpost/kit/postgres/database';
import { withSpan } from '@walpost/kit/telemetry/trace';
import { eq, getTableColumns, type SQL, sql, type Table } from 'drizzle-orm';
import { type Order, type OrderRequest, placeOrder } from './order.ts';
import { orders, outbox } from './tables.ts';

/** What came with the request, beside its body. */
export interface PlaceOrderContext {
  idempotencyKey: string | undefined;
  /** Of what the order gives rise to. */
  traceparent: string;
  /** Whether the caller has had an answer already, that it took too long. */
  isAnswered?: () => boolean;
}

export type PlaceOrderResult =
  | { outcome: 'placed' | 'replayed'; order: Order }
  /** The key was used before, with another body. */
  | { outcome: 'key-reused' };

export type PlaceOrder = (request: OrderRequest, context: PlaceOrderContext) => Promise<PlaceOrderResult>;

/** What one request writes. */
interface Draft {
  order: Order;
  event: OutboxRow;
  idempotencyKey: string | null;
  requestHash: string | null;
  isAnswered: () => boolean;
}

/** Statements that run at once, and the most orders in one: see docs/performance.md for what other values do. */
const MAX_CONCURRENCY = 2;
const MAX_BATCH_SIZE = 100;
/** Orders that are not written yet; each may be 64 KiB, and they take memory for as long as Postgres is silent. */
const MOST_OPEN = 1_000;
/** A statement that takes longer, ms, waits for a lock, or for a connection that is dead: no reason for others to wait. */
const SLOW_AFTER_MS = 1_000;

/**
 * Makes the operation that takes an order in: order and outbox row in one statement, so in one transaction and one
 * round trip. Orders that come while earlier ones are being written go into the next statement together; each is
 * answered after its own commit.
 *
 * The operation throws OrderError for an order that cannot be, SchemaIdUnknownError before the first contact with the
 * registry, BusyError when too many orders wait, and the driver's errors. When the connection breaks in the middle the
 * outcome is unknown; a client finds out by sending the same idempotency key again.
 */
export function createPlaceOrder(db: Db, encode: EncoderOf<'order-events'>, clock: () => Date): PlaceOrder {
  const insert = prepareInsert(db);
  const write = mergeCalls({
    work: (drafts: Draft[]) => writeDrafts(insert, drafts),
    maxConcurrency: MAX_CONCURRENCY,
    maxBatchSize: MAX_BATCH_SIZE,
    mostOpen: MOST_OPEN,
    slowAfterMs: SLOW_AFTER_MS,
    // A server that is away may have committed before it went.
    mayTryAlone: (error) => databaseFault(error) !== 'unavailable',
    isAbandoned: ({ isAnswered }) => isAnswered(),
  });

  return async (request, { idempotencyKey, traceparent, isAnswered = () => false }) => {
    const now = clock();
    const { order, event } = placeOrder(request, newId(now), now);
    const row = encode(event, {
      aggregateId: order.id,
      version: order.version,
      traceparent,
      time: order.createdAt,
    });
    const requestHash = idempotencyKey === undefined ? null : hash(request);
    const isPlaced = await write({
      order,
      event: row,
      idempotencyKey: idempotencyKey ?? null,
      requestHash,
      isAnswered,
    });
    countWritten(row.type, isPlaced ? 1 : 0);
    if (isPlaced || idempotencyKey === undefined || requestHash === null) return { outcome: 'placed', order };
    return replay(db, idempotencyKey, requestHash);
  };
}

/**
 * Writes orders and their events. The statement's span is in the first order's trace: one for each would cost more than
 * the others of a request together.
 *
 * @returns for each whether it was written; its idempotency key was there otherwise
 */
async function writeDrafts(insert: Insert, drafts: Draft[]): Promise<boolean[]> {
  // Two statements that lock the same keys do so in the same order, and never wait for each other in a circle.
  const sorted = drafts.toSorted((a, b) => compare(a.idempotencyKey ?? '', b.idempotencyKey ?? ''));
  const span = {
    parent: drafts[0]?.event.traceparent,
    attributes: { 'db.system.name': 'postgresql', 'db.operation.batch.size': drafts.length },
  };
  const rows = await withSpan('INSERT orders, outbox', span, () =>
    insert.execute({
      orders: JSON.stringify(sorted.map(orderColumns)),
      events: JSON.stringify(sorted.map(({ event }) => outboxColumns(event))),
    }),
  );
  const placed = new Set(rows.map(({ id }) => id));
  return drafts.map(({ order }) => placed.has(order.id));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

type Insert = ReturnType<typeof prepareInsert>;

/** One statement for any number of orders, prepared once for each connection; its rows come as two JSON arrays. */
function prepareInsert(db: Db) {
  const placed = db.$with('placed').as(
    db
      .insert(orders)
      .select(
        sql`select ${columnsOf(orders)}
          from json_populate_recordset(null::${orders}, ${sql.placeholder('orders')}) as ${orders}`,
      )
      .onConflictDoNothing({ target: orders.idempotencyKey })
      .returning({ id: orders.id }),
  );
  // No order placed, no event. The application may not read the outbox.
  const published = db.$with('published', {}).as(
    sql`insert into ${outbox} (${namesOf(outbox)}) select ${columnsOf(outbox)}
      from json_populate_recordset(null::${outbox}, ${sql.placeholder('events')}) as ${outbox}
      join placed on ${outbox.aggregateid} = placed.id::text`,
  );
  return db.with(placed, published).select({ id: placed.id }).from(placed).prepare('place_orders');
}

/** A table's columns as it is declared, for a statement: those that somebody has added since are not among them. */
function columnsOf(table: Table): SQL {
  return sql.join(
    Object.values(getTableColumns(table)).map((column) => sql`${column}`),
    sql`, `,
  );
}

/** The same, where they are without their table. */
function namesOf(table: Table): SQL {
  return sql.join(
    Object.values(getTableColumns(table)).map(({ name }) => sql.identifier(name)),
    sql`, `,
  );
}

function orderColumns({ order, idempotencyKey, requestHash }: Draft) {
  return {
    id: order.id,
    customer_id: order.customerId,
    currency: order.currency,
    items: order.items,
    total_amount: order.totalAmount,
    status: order.status,
    payment: orders.payment.mapToDriverValue(order.payment),
    stock: orders.stock.mapToDriverValue(order.stock),
    version: order.version,
    created_at: order.createdAt,
    idempotency_key: idempotencyKey,
    request_hash: requestHash,
  };
}

function outboxColumns(event: OutboxRow) {
  return {
    id: event.id,
    aggregatetype: event.aggregatetype,
    aggregateid: event.aggregateid,
    aggregateversion: event.aggregateversion,
    type: event.type,
    payload: `\\x${event.payload.toString('hex')}`,
    ce_source: event.ceSource,
    ce_specversion: event.ceSpecversion,
    content_type: event.contentType,
    traceparent: event.traceparent,
    created_at: event.createdAt,
  };
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
