import type { ReceivedEvent } from '@walpost/kit/consumer/receive';
import type { DomainEvent } from '@walpost/kit/contract/contract';
import { type EncoderOf, publish } from '@walpost/kit/outbox/outbox';
import type { Tx } from '@walpost/kit/postgres/database';
import { isAnyOf } from '@walpost/kit/postgres/is-any-of';
import { childTraceparent } from '@walpost/kit/telemetry/trace';
import { sql } from 'drizzle-orm';
import { lockStock } from './lock-stock.ts';
import { saveStock } from './save-stock.ts';
import { type Reservation, reserve } from './stock.ts';
import { reservations } from './tables.ts';

/** The first event of an order in the inventory's topic; a release is the second. */
const VERSION = 1;

/** Reserves everything that each new order wants, or nothing of it, and publishes which. */
export async function reserveStock(
  tx: Tx,
  encode: EncoderOf<'inventory-events'>,
  events: ReceivedEvent<'OrderCreated'>[],
  batch: readonly ReceivedEvent[],
  now: Date,
): Promise<void> {
  const [orders, before] = await Promise.all([undecided(tx, events), lockStock(tx, batch)]);
  const { stock: after, reservations: decided } = reserve(
    before,
    [...orders.values()].map(({ data }) => data),
  );
  const rows = decided.map((reservation) =>
    encode(describe(reservation, now), {
      aggregateId: reservation.orderId,
      version: VERSION,
      traceparent: childTraceparent(orders.get(reservation.orderId)?.traceparent),
      time: now,
    }),
  );
  await Promise.all([saveStock(tx, before, after), insertReservations(tx, decided, now), publish(tx, rows)]);
}

/** The orders that have no reservation yet, by id. An order that is announced twice is decided once. */
async function undecided(
  tx: Tx,
  events: ReceivedEvent<'OrderCreated'>[],
): Promise<Map<string, ReceivedEvent<'OrderCreated'>>> {
  const orders = new Map(events.map((event) => [event.data.orderId, event]));
  const known = await tx
    .selectDistinct({ orderId: reservations.orderId })
    .from(reservations)
    .where(isAnyOf(reservations.orderId, [...orders.keys()]))
    .prepare('decided_orders')
    .execute();
  for (const { orderId } of known) orders.delete(orderId);
  return orders;
}

async function insertReservations(tx: Tx, decided: Reservation[], now: Date): Promise<void> {
  const lines = decided.flatMap((reservation) =>
    reservation.items.map((item) => ({ ...item, reservation, reason: reasonOf(reservation, item.sku) })),
  );
  const list = <V>(pick: (line: (typeof lines)[number]) => V) => sql.param(lines.map(pick));
  // The columns in the order of the table's definition.
  await tx
    .insert(reservations)
    .select(
      sql`select order_id, sku, quantity, status, reason, ${now.toISOString()}::timestamptz
        from unnest(
          ${list(({ reservation }) => reservation.orderId)}::uuid[],
          ${list(({ sku }) => sku)}::text[],
          ${list(({ quantity }) => quantity)}::bigint[],
          ${list(({ reservation }) => reservation.status)}::text[],
          ${list(({ reason }) => reason)}::text[]
        ) as line (order_id, sku, quantity, status, reason)`,
    )
    .prepare('insert_reservations')
    .execute();
}

function reasonOf(reservation: Reservation, sku: string): string | null {
  return reservation.status === 'REJECTED' && reservation.missing.sku === sku
    ? reservation.missing.reason
    : null;
}

function describe(reservation: Reservation, now: Date): DomainEvent<'StockReserved' | 'StockRejected'> {
  const { orderId } = reservation;
  return reservation.status === 'RESERVED'
    ? { type: 'StockReserved', data: { orderId, items: reservation.items, reservedAt: now.getTime() } }
    : { type: 'StockRejected', data: { orderId, ...reservation.missing, rejectedAt: now.getTime() } };
}
