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
