import { setTimeout as delay } from 'node:timers/promises';
import autocannon from 'autocannon';
import { BenchError } from './measurement.ts';
import { ORDER } from './sample-order.ts';

const REQUEST = {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(ORDER),
} as const;

/**
 * Places orders over HTTP, each connection one after the other.
 *
 * @returns orders a second
 * @throws {BenchError} not all of them were answered 201
 */
export async function placeOrders(base: string, connections: number, seconds: number): Promise<number> {
  const result = await autocannon({ url: `${base}/orders`, ...REQUEST, connections, duration: seconds });
  if (result.errors > 0 || result.non2xx > 0) {
    throw new BenchError(
      `${base} answered ${result.non2xx} orders with an error and ${result.errors} not at all`,
    );
  }
  return result['2xx'] / result.duration;
}

/**
 * Places a number of orders, some at a time. autocannon reports the time of so few in whole seconds.
 *
 * @returns orders a second
 * @throws {BenchError} one was not answered 201
 */
export async function placeCount(base: string, connections: number, orders: number): Promise<number> {
  const begun = performance.now();
  let left = orders;
  const client = async () => {
    while (left-- > 0) await placeOne(base);
  };
  await Promise.all(Array.from({ length: connections }, client));
  return (orders / (performance.now() - begun)) * 1_000;
}

/** @returns how long its answer took, ms */
async function placeOne(base: string): Promise<number> {
  const begun = performance.now();
  const response = await fetch(`${base}/orders`, REQUEST);
  await response.arrayBuffer();
  if (response.status !== 201) throw new BenchError(`${base} answered an order with ${response.status}`);
  return performance.now() - begun;
}

/**
 * Places orders at a steady rate, each at its time, whether earlier ones are answered or not.
 *
 * @param rate orders a second
 * @returns how long the answers took, ms, the shortest first
 * @throws {BenchError} one was not answered 201
 */
export async function paceOrders(base: string, rate: number, seconds: number): Promise<number[]> {
  const begun = performance.now();
  const placed: Promise<number>[] = [];
  const total = Math.round(rate * seconds);
  while (placed.length < total) {
    const due = Math.min(total, Math.ceil(((performance.now() - begun) / 1_000) * rate));
    while (placed.length < due) placed.push(placeOne(base));
    await delay(1);
  }
  return (await Promise.all(placed)).sort((a, b) => a - b);
}

/** Places orders until something has happened, whatever is answered: for a service that is killed meanwhile. */
export async function placeOrdersWhile(
  base: string,
  connections: number,
  happening: () => Promise<void>,
): Promise<void> {
  const over = new AbortController();
  const client = async () => {
    while (!over.signal.aborted) {
      await fetch(`${base}/orders`, { ...REQUEST, signal: over.signal })
        .then((response) => response.arrayBuffer())
        // The service is dead: nothing to hurry for.
        .catch(() => delay(20));
    }
  };
  const clients = Array.from({ length: connections }, client);
  try {
    await happening();
  } finally {
    over.abort();
    await Promise.all(clients);
  }
}
