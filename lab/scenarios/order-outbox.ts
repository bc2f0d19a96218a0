import { createRegistry } from '@walpost/kit/contract/registry';
import { createOutboxEncoder } from '@walpost/kit/outbox/outbox';
import { openDatabase } from '@walpost/kit/postgres/database';
import { childTraceparent } from '@walpost/kit/telemetry/trace';
import { v7 as uuidv7 } from 'uuid';
import { contract } from '../../schemas/contract.generated.ts';
import { createPlaceOrder } from '../../services/order/place-order.ts';
import { databaseOf, openConsumer, setting } from './clients.ts';
import type { Stage } from './stage.ts';

/** The parts that orders, their outbox and its relay need. */
export const outboxParts = ['postgres', 'kafka', 'registry', 'connect', 'topics', 'schemas', 'migrate-order'];

/** Places orders as the order service does; the connector `order-outbox` is there and running afterwards. */
export async function openOrders(stage: Stage): Promise<{ place(customerId?: string): Promise<string> }> {
  await stage.stack.operate('connectors', 'apply', 'order-outbox');
  const schemaId = await createRegistry({ url: setting(stage, 'SCHEMA_REGISTRY_URL') }).idOf(
    contract.eventType('OrderCreated'),
  );
  // An order may wait for its commit for as long as a statement may take.
  const access = databaseOf(stage, 'orders', 'orders_app', 'ORDERS_PASSWORD');
  const { db, close } = openDatabase({ ...access, lockTimeout: 14_000 });
  stage.defer(close);
  const encode = createOutboxEncoder(contract, '/walpost/scenario', () => schemaId);
  const placeOrder = createPlaceOrder(db, encode, () => new Date());
  const items = [{ sku: 'BOOK-1', quantity: 1, unitPrice: 1250 }];
  return {
    async place(customerId = 'ada') {
      const context = { idempotencyKey: uuidv7(), traceparent: childTraceparent(undefined) };
      const result = await placeOrder({ customerId, currency: 'EUR', items }, context);
      if (result.outcome !== 'placed') throw new Error(`the order was not placed: ${result.outcome}`);
      return result.order.id;
    },
  };
}

/** When the OrderCreated of each order came to a topic, by order; read by a group of its own from the start. */
export async function watchArrivals(
  stage: Stage,
  groupId: string,
  topic: string,
): Promise<Map<string, number[]>> {
  const arrivals = new Map<string, number[]>();
  const consumer = await openConsumer(stage, groupId);
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ message: { key, headers } }) => {
      const type = headers?.['ce_type'];
      if (type !== undefined && String(type) !== contract.eventType('OrderCreated').fullName) return;
      arrivals.set(String(key), [...(arrivals.get(String(key)) ?? []), Date.now()]);
    },
  });
  return arrivals;
}
