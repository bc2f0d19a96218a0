import type { Producer } from 'kafkajs';
import type postgres from 'postgres';
import { POLL_EVERY, type PollingRelay } from './alternatives/polling-relay.ts';
import { addPublishedColumn, pollWalpostOutbox } from './alternatives/walpost-outbox.ts';
import { connectorsOf, withDefaults } from './connectors.ts';
import { openSql } from './database.ts';
import { openProducer } from './kafka.ts';
import type { Bench, Measurement, Side } from './measurement.ts';
import { FLOW_METRICS, followOrders, highestRate } from './order-flow.ts';
import { STREAM_PARTS } from './parts.ts';
import { startService } from './service-process.ts';

const CONNECTORS = ['order-outbox', 'payment-outbox', 'inventory-outbox'];
const SHARES = [0.1, 0.5] as const;
/** A JVM becomes faster for minutes; what runs for days is warm. */
const WARM_UP_SECONDS = 120;

/** How long after its commit an order is acted on, and confirmed. */
export const latency: Measurement = {
  name: 'latency',
  summary:
    'commit of an order to its handler and to CONFIRMED, against Debezium’s defaults and a polling relay',
  parts: STREAM_PARTS,
  takesLong: true,
  run,
};

/** What carries the events, while a side is sampled. */
type Carrier = 'tuned' | 'defaults' | 'polling';

async function run(bench: Bench): Promise<void> {
  const { quick, say, compare, note } = bench;
  const orders = openSql(bench, 'orders');
  const payments = openSql(bench, 'payments');
  const inventory = openSql(bench, 'inventory');
  await inventory`update stock set on_hand = 1000000000 where sku in ('BOOK-1', 'MUG-1')`;
  const carry = await openCarriers(bench, [orders, payments, inventory]);
  say('starting the services');
  await carry('tuned');
  const url = await startService(bench, 'order');
  await startService(bench, 'payment');
  await startService(bench, 'inventory');
  const flow = { url, orders, payments };

  say('warming up');
  const cold = await highestRate(flow, 1);
  await followOrders(flow, SHARES[1] * cold, quick ? 1 : WARM_UP_SECONDS);
  say('looking for the highest rate');
  const highest = await highestRate(flow, quick ? 1 : 3);
  note(`highest rate, from the first order to the last CONFIRMED: ${Math.round(highest)} orders/s`);
  const seconds = quick ? 1 : 4;
  const names = SHARES.flatMap((share) => FLOW_METRICS.map(({ name }) => `${name} at ${percent(share)}`));
  const side = (label: string, carrier: Carrier): Side => ({
    label,
    async sample() {
      await carry(carrier);
      // A connector that has just started has its code still to compile.
      await followOrders(flow, SHARES[1] * highest, seconds);
      const values: Record<string, number> = {};
      for (const share of SHARES) {
        const found = await followOrders(flow, share * highest, seconds);
        for (const [name, value] of Object.entries(found)) values[`${name} at ${percent(share)}`] = value;
      }
      return values;
    },
  });
  await compare({
    title: 'one order',
    metrics: names.map((name) => ({ name, unit: 'ms', better: 'less' })),
    subject: side('Walpost', 'tuned'),
    references: [
      {
        ...side('Debezium’s defaults', 'defaults'),
        goals: Object.fromEntries(SHARES.map((share) => [`handler p50 at ${percent(share)}`, '0.1'])),
      },
      side(`polling relay, ${POLL_EVERY} ms`, 'polling'),
    ],
  });
}

const percent = (share: number) => `${Math.round(share * 100)} %`;

/** @returns changes what carries the events */
async function openCarriers(
  bench: Bench,
  databases: readonly postgres.Sql[],
): Promise<(to: Carrier) => Promise<void>> {
  const connectors = connectorsOf(bench.stack);
  const producer = await openProducer(bench);
  let now: Carrier | undefined;
  let relays: PollingRelay[] = [];
  const endRelays = async () => {
    await Promise.all(relays.map((relay) => relay.close()));
    relays = [];
  };
  bench.defer(() => connectors.remove(CONNECTORS));
  bench.defer(endRelays);
  return async (to) => {
    if (now === to) return;
    await endRelays();
    if (to === 'polling') {
      await connectors.remove(CONNECTORS);
      relays = await Promise.all(databases.map((sql) => pollOutbox(bench, sql, producer)));
    } else {
      await connectors.apply(CONNECTORS, to === 'defaults' ? withDefaults : undefined);
    }
    now = to;
  };
}

/** Has our own outbox polled: a column that says what was published, and an index of what was not. */
async function pollOutbox({ note }: Bench, sql: postgres.Sql, producer: Producer): Promise<PollingRelay> {
  await addPublishedColumn(sql);
  return pollWalpostOutbox({
    sql,
    producer,
    onError: (error) => note(`the polling relay failed: ${String(error)}`),
  });
}
