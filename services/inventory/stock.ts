/** A reservation never comes back from RELEASED or REJECTED. */
export type ReservationStatus = 'RESERVED' | 'RELEASED' | 'REJECTED';

export interface StockLevel {
  /** Pieces that can still be promised. */
  onHand: number;
  /** Pieces that are promised to an order. */
  reserved: number;
}

/** By sku. */
export type Stock = ReadonlyMap<string, StockLevel>;

export interface Line {
  sku: string;
  quantity: number;
}

/** An order's demand; a sku may be on several lines. */
export interface Demand {
  orderId: string;
  items: readonly Line[];
}

export type Reservation =
  | { orderId: string; status: 'RESERVED'; items: Line[] }
  | { orderId: string; status: 'REJECTED'; items: Line[]; missing: { sku: string; reason: string } };

/**
 * Decides several orders, one after the other: each gets all of its items or none.
 *
 * @param stock at least every sku of the demands that exists
 * @returns the stock as it is then, with the same skus, and a decision for each order, its items summed up by sku
 */
export function reserve(
  stock: Stock,
  demands: readonly Demand[],
): { stock: Stock; reservations: Reservation[] } {
  const levels = new Map(stock);
  const reservations = demands.map(({ orderId, items }): Reservation => {
    const lines = sumBySku(items);
    const short = lines.find(({ sku, quantity }) => (levels.get(sku)?.onHand ?? 0) < quantity);
    if (short) {
      const reason = levels.has(short.sku) ? 'not enough stock' : 'unknown sku';
      return { orderId, status: 'REJECTED', items: lines, missing: { sku: short.sku, reason } };
    }
    for (const { sku, quantity } of lines) move(levels, sku, -quantity);
    return { orderId, status: 'RESERVED', items: lines };
  });
  return { stock: levels, reservations };
}

/**
 * Puts reserved items back.
 *
 * @throws {Error} more is released than was reserved: the tables contradict each other
 */
export function release(stock: Stock, items: readonly Line[]): Stock {
  const levels = new Map(stock);
  for (const { sku, quantity } of items) move(levels, sku, quantity);
  return levels;
}

/** Moves pieces from reserved to on hand, or back when negative; their sum never changes. */
function move(levels: Map<string, StockLevel>, sku: string, quantity: number): void {
  const level = levels.get(sku);
  if (!level || level.reserved + Math.min(0, -quantity) < 0) {
    throw new Error(`${quantity} of ${sku} cannot be released: only ${level?.reserved ?? 0} are reserved`);
  }
  levels.set(sku, { onHand: level.onHand + quantity, reserved: level.reserved - quantity });
}

function sumBySku(items: readonly Line[]): Line[] {
  const sums = new Map<string, number>();
  for (const { sku, quantity } of items) sums.set(sku, (sums.get(sku) ?? 0) + quantity);
  return [...sums].map(([sku, quantity]) => ({ sku, quantity }));
}
