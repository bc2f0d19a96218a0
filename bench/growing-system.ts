import { openConsumerLoad } from './consumer-load.js';
import { openSql, quiet } from './database.js';
import { type GrowingFlow, openGrowingFlow } from './growing-flow.js';
import { type GrowingOutbox, openGrowingOutbox } from './growing-outbox.js';
import { placeOrders } from './http-load.js';
import { openAdmin } from './kafka.js';
import type { Bench } from './measurement.js';
import { resizeInbox, resizeTopic } from './resize.js';
import { startService } from './service-process.js';

const TOPIC = 'bench-growth';
const CONNECTIONS = 64;

/** A stack whose tables and topics become larger together, and what is sampled on it. */
export interface GrowingSystem extends GrowingFlow, Pick<GrowingOutbox, 'withRelay'> {
  /** @param size rows in orders, outbox and each inbox, and records on `order-events` and on what the consumer reads */
  resize(size: number): Promise<void>;
  /** Takes orders in. @returns orders a second */
  takeIn(seconds: number): Promise<{ rate: number }>;
  /** Acts on events that stand at the end of a topic. @returns events a second */
  consume(): Promise<{ rate: number }>;
}

/** @param events that one sample of the consumer acts on */
export async function openGrowingSystem(bench: Bench, events: number): Promise<GrowingSystem> {
  const admin = await openAdmin(bench);
  const outbox = await openGrowingOutbox(bench);
  const payments = openSql(bench, 'payments');
  const inboxes = [outbox.sql, payments, openSql(bench, 'inventory')];
  const consumer = await openConsumerLoad(bench);
  const url = await startService(bench, 'order');
  const flow = await openGrowingFlow(bench, url);
  let from = await consumer.fill(TOPIC, 6, 0);
  return {
    ...flow,
    withRelay: outbox.withRelay,
    async resize(size) {
      await outbox.resize(size);
      for (const sql of inboxes) await resizeInbox(sql, size);
      await resizeTopic(bench.stack, admin, TOPIC, size);
      from = await consumer.fill(TOPIC, 6, events);
    },
    async takeIn(seconds) {
      const rate = await placeOrders(url, CONNECTIONS, seconds);
      await quiet(outbox.sql);
      return { rate };
    },
    async consume() {
      const { rate } = await consumer.consume(TOPIC, events, { from });
      // The payment service would make these payments, for orders that nobody placed.
      await consumer.clean(TOPIC);
      return { rate };
    },
  };
}
