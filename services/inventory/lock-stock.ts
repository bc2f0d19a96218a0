import type { ReceivedEvent } from '@walpost/kit/consumer/receive';
import type { Tx } from '@walpost/kit/postgres/database';
import { isAnyOf } from '@walpost/kit/postgres/is-any-of';
import { sql } from 'drizzle-orm';
import type { Stock, StockLevel } from './stock.ts';
import { reservations, stock } from './tables.ts';

/**
 * Locks and reads every stock row that the events of a transaction can touch, in sku order. All of them at once, for
 * reservations and releases alike: with the same order in every transaction none waits for another in a circle. To do
 * it again in the same transaction costs no lock, and gives what was written meanwhile.
 */
export async function lockStock(tx: Tx, batch: readonly ReceivedEvent[]): Promise<Stock> {
  const wanted = new Set<string>();
  const cancelled: string[] = [];
  for (const event of batch) {
    if (event.type === 'OrderCreated') for (const { sku } of event.data.items) wanted.add(sku);
    if (event.type === 'OrderCancelled') cancelled.push(event.data.orderId);
  }
  const rows = await tx
    .select()
    .from(stock)
    .where(
      sql`${isAnyOf(stock.sku, [...wanted])} or ${stock.sku} in (
        select ${reservations.sku} from ${reservations}
        where ${isAnyOf(reservations.orderId, cancelled)} and ${reservations.status} = 'RESERVED')`,
    )
    .orderBy(stock.sku)
    .for('update')
    .prepare('lock_stock')
    .execute();
  return new Map(rows.map(({ sku, ...level }): [string, StockLevel] => [sku, level]));
}
