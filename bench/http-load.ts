import { setTimeout as delay } from 'node:timers/promises';
import autocannon from 'autocannon';
import { BenchError } from './measurement.js';
import { ORDER } from './sample-order.js';

/**
 * Places orders over HTTP, each connection one after the other.
 *
 * @returns orders a second
 * @throws {BenchError} not all of them were answered 201
 */
export async function placeOrders(base: string, connections: number, seconds: number): Promise<number> {
  const result = await autocannon({
    url: `${base}/orders`,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(ORDER),
    connections,
    duration: seconds,
  });
  if (result.errors > 0 || result.non2xx > 0) {
    throw new BenchError(
      `${base} answered ${result.non2xx} orders with an error and ${result.errors} not at all`,
    );
  }
  return result['2xx'] / result.duration;
}

/**
 * Places orders at a steady rate, each at its time, whether earlier ones are answered or not.
 *
 * @param rate orders a second
 * @throws {BenchError} one was not answered 201
 */
export async function paceOrders(base: string, rate: number, seconds: number): Promise<void> {
  const body = JSON.stringify(ORDER);
  const begun = performance.now();
  const place = async () => {
    const response = await fetch(`${base}/orders`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    await response.arrayBuffer();
    if (response.status !== 201) throw new BenchError(`${base} answered an order with ${response.status}`);
  };
  const placed: Promise<void>[] = [];
  const total = Math.round(rate * seconds);
  while (placed.length < total) {
    const due = Math.min(total, Math.ceil(((performance.now() - begun) / 1_000) * rate));
    while (placed.length < due) placed.push(place());
    await delay(1);
  }
  await Promise.all(placed);
}
