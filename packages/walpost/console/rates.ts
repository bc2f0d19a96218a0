/** One reading of a counter. */
export interface Reading {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly count: number;
}

/** How far back a rate looks, ms: Postgres reports its counts with up to a second's delay. */
const WINDOW = 8_000;

/**
 * Remembers a reading, and says how fast the counter grows.
 *
 * @param readings changed by this call
 * @returns per second; null for the first reading, and after the counter began again
 */
export function rateOf(readings: Reading[], next: Reading): number | null {
  const last = readings.at(-1);
  if (last && next.count < last.count) readings.length = 0;
  readings.push(next);
  while (readings.length > 2 && next.at - (readings[0]?.at ?? next.at) > WINDOW) readings.shift();
  const [first] = readings;
  if (!first || next.at <= first.at) return null;
  return ((next.count - first.count) * 1000) / (next.at - first.at);
}
