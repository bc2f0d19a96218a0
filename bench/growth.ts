import { type ConsumerLoad, openConsumerLoad } from './consumer-load.js';
import { openSql, quiet } from './database.js';
import { openGrowingOutbox } from './growing-outbox.js';
import { placeOrders } from './http-load.js';
import { openAdmin } from './kafka.js';
import type { Bench, Measurement, Metric } from './measurement.js';
import { STREAM_PARTS } from './parts.js';
import { RELAY_METRICS, type WatchedRelay } from './relay-sample.js';
import { count, resizeInbox, resizeTopic } from './resize.js';
import { startService } from './service-process.js';
import { compareSizes, each, sizesOf, thereAndBack } from './sizes.js';
import { startWithoutExactlyOnce, withoutExactlyOnce } from './without-exactly-once.js';

const EVENTS = 50_000;
const QUICK_EVENTS = 10_000;
const GROWTH_TOPIC = 'bench-growth';
const CONNECTIONS = 64;
const WARM_UP_ROWS = 1_000;
const WARM_UPS = 5;
/** Partitions of the topic, and members of the group. */
const SHAPES: readonly [number, number][] = [
  [6, 1],
  [24, 1],
  [24, 2],
  [24, 4],
];

const RATE = { name: 'rate', unit: '1/s', better: 'more' } as const;
/** What is sampled at each size, by title. */
const METRICS = {
  intake: [RATE],
  consumer: [RATE],
  relay: RELAY_METRICS,
  'relay without exactly-once': RELAY_METRICS,
} as const satisfies Record<string, readonly Metric[]>;

type Title = keyof typeof METRICS;
type Samples = Record<Title, Readonly<Record<string, number>>[]>;

const TITLES = Object.keys(METRICS) as Title[];

/** Whether it stays as fast when there is much of everything. */
export const growth: Measurement = {
  name: 'growth',
  summary:
    'intake, relay and consumer as tables and topics grow, and the consumer with more partitions and members',
  parts: STREAM_PARTS,
  takesLong: true,
  run,
};

async function run(bench: Bench): Promise<void> {
  const events = bench.quick ? QUICK_EVENTS : EVENTS;
  const consumer = await openConsumerLoad(bench);
  const found = await whileGrowing(bench, consumer, events);
  for (const title of TITLES)
    await compareSizes(bench, title, METRICS[title], (size) => found.get(size)?.[title] ?? []);
  await withMoreMembers(bench, consumer, events);
}

/** Samples everything at each size, from the smallest to the largest and back. */
async function whileGrowing(
  bench: Bench,
  consumer: ConsumerLoad,
  events: number,
): Promise<ReadonlyMap<number, Samples>> {
  const { quick, say, repeats, stack, defer } = bench;
  say('starting a second stack, whose worker has exactly-once switched off');
  const other = await startWithoutExactlyOnce();
  defer(() => other.close());
  const outbox = await openGrowingOutbox(bench);
  const plain = await openGrowingOutbox({ stack: other, defer }, withoutExactlyOnce);
  const payments = openSql(bench, 'payments');
  const admin = await openAdmin(bench);
  const url = await startService(bench, 'order');
  await consumer.fill(GROWTH_TOPIC, 6, 0);
  await placeOrders(url, CONNECTIONS, 3);
  const calmSeconds = quick ? 2 : 5;

  const sampleAt = async (size: number, times: number, samples: Samples): Promise<void> => {
    say(`making it ${each(size)}`);
    await outbox.resize(size);
    await plain.resize(size);
    await resizeInbox(payments, size);
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
  };
  const none = (): Samples => ({
    intake: [],
    consumer: [],
    relay: [],
    'relay without exactly-once': [],
  });
  // A JVM that has just started would be slower with few rows than later with many.
  if (!quick) await sampleAt(WARM_UP_ROWS, WARM_UPS, none());
  const found = new Map(sizesOf(bench).map((size) => [size, none()]));
  await thereAndBack(found, (size, samples) => sampleAt(size, repeats, samples));
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
