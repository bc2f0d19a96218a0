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

/** Follows orders at a calm rate for so many seconds. */
export type FollowOrders = (seconds: number) => Promise<Record<string, number>>;

/** The way of an order through the services and back, on tables and topics that grow. */
export interface GrowingFlow {
  /** Does something while payment and inventory service run; they would act on what makes tables and topics larger. */
  whileItRuns(work: (follow: FollowOrders) => Promise<void>): Promise<void>;
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
    whileItRuns: (work) =>
      withReleases(async (defer) => {
        visits += 1;
        const own = fromNowOn(`flow-${visits}`);
        const names = namesOf(CONNECTORS, own);
        const slots = names.map(slotOf);
        const start = async () => {
          await connectors.apply(CONNECTORS, own);
          for (const slot of slots) await slotBecomes(orders, slot, 'read');
        };
        const stop = async () => {
          await connectors.remove(names);
          for (const slot of slots) await slotBecomes(orders, slot, 'free');
        };
        await start();
        defer(async () => {
          await stop();
          for (const slot of slots) await dropSlot(orders, slot);
        });
        for (const service of CONSUMERS) {
          await skipWhatIsThere(`${service}-service`, 'order-events');
          await startService({ ...bench, defer }, service, { name: `${service}-${visits}` });
        }
        const flow = { url, orders, payments };
        await stop();
        // Three connectors that wait for rows take half a core: those of the other side must not.
        await work(async (seconds) => {
          await start();
          // Their start is not what is measured.
          await followOrders(flow, CALM, 1);
          const found = await followOrders(flow, CALM, seconds);
          await stop();
          return found;
        });
      }),
  };
}
