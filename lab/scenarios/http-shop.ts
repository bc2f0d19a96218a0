import { setTimeout as delay } from 'node:timers/promises';
import { fastify } from 'fastify';
import type { Stage } from './stage.ts';

/** A service that answers after a while. */
export interface SlowService {
  name: string;
  url: string;
  /** How long it takes, ms; may be changed while it runs. */
  latency: number;
  close(): Promise<void>;
}

/** A shop whose order program calls its services over HTTP, one after the other, and answers when all have. */
export interface HttpShop {
  url: string;
  payment: SlowService;
  inventory: SlowService;
  notification: SlowService;
}

/** Runs the order program and its three services until the scenario is over. */
export async function openHttpShop(
  stage: Stage,
  latency: { payment: number; inventory: number; notification: number },
): Promise<HttpShop> {
  const payment = await openSlowService(stage, 'payment', latency.payment);
  const inventory = await openSlowService(stage, 'inventory', latency.inventory);
  const notification = await openSlowService(stage, 'notification', latency.notification);

  const order = fastify();
  order.post('/orders', async (_request, reply) => {
    for (const service of [payment, inventory, notification]) {
      const problem = await call(service);
      if (problem) return reply.code(502).send({ error: problem });
    }
    return reply.code(201).send({});
  });
  const base = await order.listen({ host: '127.0.0.1', port: 0 });
  stage.defer(() => order.close());
  return { url: `${base}/orders`, payment, inventory, notification };
}

async function openSlowService(stage: Stage, name: string, latency: number): Promise<SlowService> {
  // A service that is closed must not live on in connections that callers keep.
  const app = fastify({ forceCloseConnections: true });
  const service = { name, url: '', latency, close: () => app.close() };
  app.post('/', async () => {
    await delay(service.latency);
    return {};
  });
  service.url = await app.listen({ host: '127.0.0.1', port: 0 });
  stage.defer(service.close);
  return service;
}

/** @returns what went wrong, if something did */
async function call({ name, url }: SlowService): Promise<string | undefined> {
  try {
    const { status } = await fetch(url, { method: 'POST' });
    return status === 200 ? undefined : `${name} answered ${status}`;
  } catch {
    return `${name} did not answer`;
  }
}
