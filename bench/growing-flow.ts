import { connectorsOf, fromNowOn, namesOf, slotOf } from './connectors.js';
import { dropSlot, openSql, slotBecomes } from './database.js';
import { openAdmin } from './kafka.js';
import type { Bench } from './measurement.js';
import { followOrders } from './order-flow.js';
import { CALM } from './relay-sample.js';
import { withReleases } from './releases.js';
import { startService } from './service-process.js';

const CONNECTORS = ['order-outbox', 'payment-outbox', 'inventory-outbox'];
const CONSUMERS = ['payment', 'inventory'] as const;
/** So many times as long as a sample: a minute and a half. */
const WARM_UP = 18;

/** The way of an order through the services and back. */
export interface GrowingFlow {
  /**
   * Warms up, and follows orders at a calm rate so many times so many seconds. Connectors, payment and inventory service
   * run only meanwhile: they would act on what makes tables and topics larger.
   */
  sample(times: number, seconds: number): Promise<Record<string, number>[]>;
}

/** @param url of the order service, which runs */
export async function openGrowingFlow(bench: Bench, url: string): Promise<GrowingFlow> {
  const orders = openSql(bench, 'orders');
  const payments = openSql(bench, 'payments');
  const inventory = openSql(bench, 'inventory');
  const connectors = connectorsOf(bench.stack);
  const admin = await openAdmin(bench);
  await inventory`update stock set on_hand = 1000000000 where sku in ('BOOK-1', 'MUG-1')`;
  let visits = 0;

  const skipWhatIsThere = async (groupId: string, topic: string) => {
    const ends = await admin.fetchTopicOffsets(topic);
    const partitions = ends.map(({ partition, high }) => ({ partition, offset: high }));
    await admin.setOffsets({ groupId, topic, partitions });
  };

  return {
    sample: (times, seconds) =>
      withReleases(async (defer) => {
        visits += 1;
        const own = fromNowOn(`flow-${visits}`);
        const names = namesOf(CONNECTORS, own);
        await connectors.apply(CONNECTORS, own);
        defer(async () => {
          await connectors.remove(names);
          for (const name of names) await dropSlot(orders, slotOf(name));
        });
        for (const name of names) await slotBecomes(orders, slotOf(name), 'read');
        for (const service of CONSUMERS) {
          await skipWhatIsThere(`${service}-service`, 'order-events');
          await startService({ ...bench, defer }, service, { name: `${service}-${visits}` });
        }
        const flow = { url, orders, payments };
        // A service that has just started has its code still to compile: 1,400 ms to CONFIRMED became 400 in a minute.
        await followOrders(flow, CALM, WARM_UP * seconds);
        const samples: Record<string, number>[] = [];
        while (samples.length < times) samples.push(await followOrders(flow, CALM, seconds));
        return samples;
      }),
  };
}
