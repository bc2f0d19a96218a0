import { type ConsumerLoad, openConsumerLoad } from './consumer-load.js';
import { openSql, quiet } from './database.js';
import { openGrowingFlow } from './growing-flow.js';
import { openGrowingOutbox } from './growing-outbox.js';
import { placeOrders } from './http-load.js';
import { openAdmin } from './kafka.js';
import type { Bench, Measurement, Metric } from './measurement.js';
import { FLOW_METRICS } from './order-flow.js';
import { STREAM_PARTS } from './parts.js';
import { recorded } from './recorded.js';
import { CALM, RELAY_METRICS, type WatchedRelay } from './relay-sample.js';
import { count, resizeInbox, resizeTopic } from './resize.js';
import { startService } from './service-process.js';
import { startWithoutExactlyOnce, withoutExactlyOnce } from './without-exactly-once.js';

const SIZES = [100_000, 1_000_000, 10_000_000];
const QUICK_SIZES = [10_000, 100_000];
const EVENTS = 50_000;
const QUICK_EVENTS = 10_000;
const GROWTH_TOPIC = 'bench-growth';
const CONNECTIONS = 64;
const WARM_UP_ROWS = 1_000;
const WARM_UPS = 5;
/** There and back: a machine and its JVMs become faster or slower with time, which must not look like size. */
const VISITS = 2;
/** Partitions of the topic, and members of the group. */
const SHAPES: readonly [number, number][] = [
  [6, 1],
  [24, 1],
  [24, 2],
  [24, 4],
];
const FLAT = 'flat: 0.85 to 1.15';

const RATE = { name: 'rate', unit: '1/s', better: 'more' } as const;
const FLOW = `one order at ${CALM}/s` as const;
/** What is sampled at each size, by title. */
const METRICS = {
  intake: [RATE],
  consumer: [RATE],
  relay: RELAY_METRICS,
  'relay without exactly-once': RELAY_METRICS,
  [FLOW]: FLOW_METRICS,
} as const satisfies Record<string, readonly Metric[]>;

type Title = keyof typeof METRICS;
type Samples = Record<Title, Readonly<Record<string, number>>[]>;

const TITLES = Object.keys(METRICS) as Title[];

/** Whether it stays as fast when there is much of everything. */
export const growth: Measurement = {
  name: 'growth',
  summary:
    'intake, relay, consumer and the way of an order as tables and topics grow, and the consumer with more partitions and members',
  parts: STREAM_PARTS,
  takesLong: true,
  run,
};

async function run(bench: Bench): Promise<void> {
  const { quick, compare } = bench;
  const sizes = quick ? QUICK_SIZES : SIZES;
  const events = quick ? QUICK_EVENTS : EVENTS;
  const consumer = await openConsumerLoad(bench);
  const found = await whileGrowing(bench, consumer, sizes, events);
  for (const title of TITLES) {
    const metrics = METRICS[title];
    const goals = Object.fromEntries(metrics.map(({ name }) => [name, FLAT]));
    const side = (size: number) => recorded(each(size), found.get(size)?.[title] ?? []);
    for (const size of sizes.slice(1)) {
      const references = [{ ...side(sizes[0] ?? 0), goals }];
      await compare({ title, metrics, times: VISITS, apart: true, subject: side(size), references });
    }
  }
  await withMoreMembers(bench, consumer, events);
}

const each = (size: number) => `${size.toLocaleString('en-US')} each`;

/** Samples everything at each size, from the smallest to the largest and back. */
async function whileGrowing(
  bench: Bench,
  consumer: ConsumerLoad,
  sizes: readonly number[],
  events: number,
): Promise<ReadonlyMap<number, Samples>> {
  const { quick, say, repeats, stack, defer } = bench;
  say('starting a second stack, whose worker has exactly-once switched off');
  const other = await startWithoutExactlyOnce();
  defer(() => other.close());
  const outbox = await openGrowingOutbox(bench);
  const plain = await openGrowingOutbox({ stack: other, defer }, withoutExactlyOnce);
  const inboxes = [outbox.sql, openSql(bench, 'payments'), openSql(bench, 'inventory')];
  const admin = await openAdmin(bench);
  const url = await startService(bench, 'order');
  const flow = await openGrowingFlow(bench, url);
  await consumer.fill(GROWTH_TOPIC, 6, 0);
  await placeOrders(url, CONNECTIONS, 3);
  const calmSeconds = quick ? 2 : 5;

  const sampleAt = async (size: number, times: number, samples: Samples): Promise<void> => {
    say(`making it ${each(size)}`);
    await outbox.resize(size);
    await plain.resize(size);
    for (const sql of inboxes) await resizeInbox(sql, size);
    await resizeTopic(stack, admin, GROWTH_TOPIC, size);
    const from = await consumer.fill(GROWTH_TOPIC, 6, events);
    const sampleOnce = async (relay: WatchedRelay, plainRelay: WatchedRelay) => {
      await consumer.clean(GROWTH_TOPIC);
      const { rate } = await consumer.consume(GROWTH_TOPIC, events, { from });
      samples.consumer.push({ rate });
      const before = await count(outbox.sql, 'outbox');
      samples.intake.push({ rate: await placeOrders(url, CONNECTIONS, quick ? 2 : 4) });
      await quiet(outbox.sql);
      const placed = (await count(outbox.sql, 'outbox')) - before;
      samples.relay.push(await relay.sample(placed, calmSeconds));
      await plainRelay.fill(events);
      samples['relay without exactly-once'].push(await plainRelay.sample(events, calmSeconds));
    };
    await outbox.withRelay((relay) =>
      plain.withRelay(async (plainRelay) => {
        for (let time = 1; time <= times; time++) {
          say(`${each(size)}, ${time} of ${times}`);
          await sampleOnce(relay, plainRelay);
        }
      }),
    );
    say(`${each(size)}, orders all the way`);
    // The payment service would make the payments that the consumer has begun, for orders that nobody placed.
    await consumer.clean(GROWTH_TOPIC);
    samples[FLOW].push(...(await flow.sample(times, calmSeconds)));
  };
  const none = (): Samples => ({
    intake: [],
    consumer: [],
    relay: [],
    'relay without exactly-once': [],
    [FLOW]: [],
  });
  // A JVM that has just started would be slower with few rows than later with many.
  if (!quick) await sampleAt(WARM_UP_ROWS, WARM_UPS, none());
  const found = new Map(sizes.map((size) => [size, none()]));
  const there = [...found];
  for (const [size, samples] of [...there, ...there.toReversed()]) await sampleAt(size, repeats, samples);
  return found;
}

/** What more partitions and members are worth, beside one partition with one member. */
async function withMoreMembers({ compare }: Bench, consumer: ConsumerLoad, events: number): Promise<void> {
  await consumer.fill('bench-narrow', 1, events);
  const consume = async (topic: string, members: number) => {
    await consumer.clean(topic);
    const { rate } = await consumer.consume(topic, events, { members });
    return { rate };
  };
  for (const [partitions, members] of SHAPES) {
    const topic = `bench-${partitions}-${members}`;
    await consumer.fill(topic, partitions, events);
    await compare({
      title: 'consumer',
      metrics: [RATE],
      subject: {
        label: `${partitions} partitions, ${members} member${members > 1 ? 's' : ''}`,
        sample: () => consume(topic, members),
      },
      references: [{ label: '1 partition, 1 member', sample: () => consume('bench-narrow', 1) }],
    });
  }
}
