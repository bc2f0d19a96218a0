import type { Bench } from './measurement.js';

/**
 * Starts an order service of its own, and stops it when the measurement is over. Orders may wait for their answers as long
 * as they like: the sweep that cancels overdue ones would be measured with the rest.
 *
 * @returns its base URL
 */
export async function startOrderService({ stack, defer }: Bench): Promise<string> {
  const name = 'bench-order';
  const port = stack.sparePorts[0];
  if (port === undefined) throw new Error('the stack has no spare port left');
  await stack.spawn(name, 'services/order/dist/main.js', port, {
    ORDER_PORT: String(port),
    ORDER_REPLY_WITHIN_S: '86400',
    LOG_LEVEL: 'warn',
  });
  defer(() => stack.stop(name));
  return `http://127.0.0.1:${port}`;
}
