import { openDriver, type Sql } from '@walpost/kit/postgres/open-driver';
import { eventually } from './eventually.ts';
import { type Environment, kafkaOf, readTopic, setting } from './read-topic.ts';

export { type Environment, eventually, kafkaOf, readTopic, setting };

/**
 * Does something. When it fails, the error also says what doctor finds wrong with the stack: nobody can ask it later.
 *
 * @param doctor runs it, and answers what it printed
 */
export async function explaining<T>(doctor: () => Promise<string>, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const said = (await doctor().catch(String)).split('\n').filter((line) => !line.startsWith('ok '));
    const { message, cause } = error as Error;
    const why = cause instanceof Error ? `: ${cause.message}` : '';
    throw new Error([`${message}${why}`, ...said].join('\n'), { cause: error });
  }
}

/** A superuser's connection to one of a stack's databases; the caller ends it. */
export function connectTo(env: Environment, database: string): Sql {
  return openDriver({
    host: '127.0.0.1',
    port: Number(setting(env, 'POSTGRES_PORT')),
    username: 'postgres',
    password: setting(env, 'POSTGRES_PASSWORD'),
    database,
    max: 2,
    onnotice: () => undefined,
  });
}

export const SAMPLE_ORDER = {
  customerId: 'ada',
  currency: 'EUR',
  items: [{ sku: 'BOOK-1', quantity: 2, unitPrice: 1250 }],
};

export interface OrderView {
  id: string;
  status: string;
  totalAmount: number;
  cancellationReason?: string;
}

/** Calls the order API of a stack. */
export async function call(env: Environment, path: string, init?: RequestInit): Promise<Response> {
  return fetch(`http://127.0.0.1:${setting(env, 'ORDER_PORT')}${path}`, init);
}

/** Places an order and insists on 201. */
export async function placeOrder(env: Environment, order: object = SAMPLE_ORDER): Promise<OrderView> {
  const response = await call(env, '/orders', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(order),
  });
  if (response.status !== 201) throw new Error(`${response.status}: ${await response.text()}`);
  return (await response.json()) as OrderView;
}

/** Places many orders, several at a time. @returns their ids */
export async function placeOrders(
  env: Environment,
  count: number,
  order: object = SAMPLE_ORDER,
): Promise<string[]> {
  const ids: string[] = [];
  let left = count;
  const worker = async () => {
    while (left-- > 0) ids.push((await placeOrder(env, order)).id);
  };
  await Promise.all(Array.from({ length: 16 }, worker));
  return ids;
}

/** Waits until an order has ended, and gives it. */
export async function endOf(env: Environment, id: string, withinSeconds?: number): Promise<OrderView> {
  return eventually(async () => {
    const response = await call(env, `/orders/${id}`);
    if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
    const order = (await response.json()) as OrderView;
    return order.status === 'PENDING' ? undefined : order;
  }, withinSeconds);
}
