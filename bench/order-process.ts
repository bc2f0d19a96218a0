import type { Bench } from './measurement.js';

/**
 * Starts an order service of its own, which lets its orders wait as long as they like: the sweep that cancels overdue
 * ones would be measured with the rest. It ends with the stack.
 *
 * @returns its base URL
 */
export async function startOrderService({ stack }: Bench, name: string, at = 0): Promise<string> {
  const port = stack.sparePorts[at];
  if (port === undefined) throw new Error('the stack has no spare port left');
  await stack.spawn(name, 'services/order/dist/main.js', port, {
    ORDER_PORT: String(port),
    ORDER_REPLY_WITHIN_S: '86400',
    LOG_LEVEL: 'warn',
  });
  return `http://127.0.0.1:${port}`;
}
