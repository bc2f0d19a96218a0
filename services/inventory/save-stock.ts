import type { Tx } from '@walpost/kit/postgres/database';
import { sql } from 'drizzle-orm';
import type { Stock } from './stock.ts';
import { stock } from './tables.ts';

/** Writes the levels that changed, of rows that the transaction has locked. */
export async function saveStock(tx: Tx, before: Stock, after: Stock): Promise<void> {
  const changed = [...after].filter(([sku, level]) => level !== before.get(sku));
  if (changed.length === 0) return;
  await tx
    .update(stock)
    .set({ onHand: sql`changed.on_hand`, reserved: sql`changed.reserved` })
    .from(
      sql`unnest(${sql.param(changed.map(([sku]) => sku))}::text[],
        ${sql.param(changed.map(([, level]) => level.onHand))}::integer[],
        ${sql.param(changed.map(([, level]) => level.reserved))}::bigint[]) as changed (sku, on_hand, reserved)`,
    )
    .where(sql`${stock.sku} = changed.sku`)
    .prepare('save_stock')
    .execute();
}
