import type { ConnectorFile } from '@walpost/scripts/connector-files';
import { type ConsumerLoad, openConsumerLoad } from './consumer-load.js';
import { openSql, quiet } from './database.js';
import { placeOrders } from './http-load.js';
import { openAdmin } from './kafka.js';
import type { Bench, Measurement, Metric, Place } from './measurement.js';
import { STREAM_PARTS } from './parts.js';
import { recorded } from './recorded.js';
import {
  openWatchedRelay,
  RELAY_METRICS,
  startWithoutExactlyOnce,
  withoutExactlyOnce,
} from './relay-sample.js';
import { count, resizeInbox, resizeOutbox, resizeTopic } from './resize.js';
import { startService } from './service-process.js';

const SIZES = [100_000, 1_000_000, 10_000_000];
const QUICK_SIZES = [10_000, 100_000];
const EVENTS = 50_000;
const QUICK_EVENTS = 10_000;
const GROWTH_TOPIC = 'bench-growth';
const CONNECTIONS = 64;
const CALM_SECONDS = 5;
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
/** What is sampled at each size. */
const METRICS: Readonly<Record<string, readonly Metric[]>> = {
  intake: [RATE],
  consumer: [RATE],
  relay: RELAY_METRICS,
  'relay without exactly-once': RELAY_METRICS,
};

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
  const { quick, compare } = bench;
  const sizes = quick ? QUICK_SIZES : SIZES;
  const events = quick ? QUICK_EVENTS : EVENTS;
  const consumer = await openConsumerLoad(bench);
  const found = await whileGrowing(bench, consumer, sizes, events);
  for (const [title, metrics] of Object.entries(METRICS)) {
    const side = (size: number) =>
      recorded(
        `${size.toLocaleString('en-US')} each`,
        Object.fromEntries(metrics.map(({ name }) => [name, found.get(size)?.get(`${title} ${name}`) ?? []])),
      );
    const goals = Object.fromEntries(metrics.map(({ name }) => [name, FLAT]));
    for (const size of sizes.slice(1)) {
      const references = [{ ...side(sizes[0] ?? 0), goals }];
      await compare({ title, metrics, times: VISITS, apart: true, subject: side(size), references });
    }
  }
  await withMoreMembers(bench, consumer, events);
}

/** By size, then by `<title> <metric>`. */
type Found = ReadonlyMap<number, Map<string, number[]>>;

/** Samples everything at each size, from the smallest to the largest and back. */
async function whileGrowing(
  bench: Bench,
  consumer: ConsumerLoad,
  sizes: readonly number[],
  events: number,
): Promise<Found> {
  const { quick, say, repeats, stack, defer } = bench;
  const orders = openSql(bench, 'orders', 2);
  const payments = openSql(bench, 'payments');
  const url = await startService(bench, 'order');
  say('starting a second stack, whose worker has exactly-once switched off');
  const other = await startWithoutExactlyOnce();
  defer(() => other.close());
  const elsewhere = { stack: other, defer };
  const otherOrders = openSql(elsewhere, 'orders', 2);
  const admin = await openAdmin(bench);
  const otherAdmin = await openAdmin(elsewhere);
  await consumer.fill(GROWTH_TOPIC, 6, 0);
  await placeOrders(url, CONNECTIONS, 3);

  const growTo = async (size: number) => {
    await resizeOutbox(orders, size);
    await resizeInbox(payments, size);
    await resizeTopic(stack, admin, 'order-events', size);
    await resizeTopic(stack, admin, GROWTH_TOPIC, size);
    await resizeOutbox(otherOrders, size);
    await resizeTopic(other, otherAdmin, 'order-events', size);
  };
  let visits = 0;
  const sampleAt = async (size: number, times: number): Promise<Map<string, number[]>> => {
    say(`making it ${size.toLocaleString('en-US')} each`);
    await growTo(size);
    const from = await consumer.fill(GROWTH_TOPIC, 6, events);
    visits += 1;
    const releases: (() => unknown)[] = [];
    const place = (on: Place): Place => ({ stack: on.stack, defer: (release) => releases.push(release) });
    const relay = await openWatchedRelay(place(bench), fromHere(visits));
    const plain = await openWatchedRelay(place(elsewhere), (file) =>
      withoutExactlyOnce(fromHere(visits)(file)),
    );
    // A slot that nobody reads any more would keep the log of all that follows.
    for (const sql of [orders, otherOrders]) {
      releases.push(() => sql`select pg_drop_replication_slot(${`growth_${visits}`})`);
    }
    const found = new Map<string, number[]>();
    const keep = (title: string, sample: Readonly<Record<string, number>>) => {
      for (const [name, value] of Object.entries(sample)) {
        const key = `${title} ${name}`;
        found.set(key, [...(found.get(key) ?? []), value]);
      }
    };
    for (let time = 1; time <= times; time++) {
      say(`${size.toLocaleString('en-US')} each, ${time} of ${times}`);
      await consumer.clean(GROWTH_TOPIC);
      const { rate } = await consumer.consume(GROWTH_TOPIC, events, { from });
      keep('consumer', { rate });
      const before = await count(orders, 'outbox');
      keep('intake', { rate: await placeOrders(url, CONNECTIONS, quick ? 2 : 4) });
      await quiet(orders);
      const placed = (await count(orders, 'outbox')) - before;
      keep('relay', await relay.sample(placed, quick ? 2 : CALM_SECONDS));
      await plain.fill(events);
      keep('relay without exactly-once', await plain.sample(events, quick ? 2 : CALM_SECONDS));
    }
    for (const release of releases.reverse()) await release();
    return found;
  };
  // A JVM that has just started would be slower with few rows than later with many.
  if (!quick) await sampleAt(WARM_UP_ROWS, WARM_UPS);
  const found = new Map<number, Map<string, number[]>>();
  for (const size of [...sizes, ...sizes.toReversed()]) {
    const all = found.get(size) ?? new Map<string, number[]>();
    for (const [key, samples] of await sampleAt(size, repeats)) {
      all.set(key, [...(all.get(key) ?? []), ...samples]);
    }
    found.set(size, all);
  }
  return found;
}

/** A connector of its own for each visit, which begins here: the rows that made the table large are not for sending. */
function fromHere(visit: number) {
  return ({ config }: ConnectorFile): ConnectorFile => ({
    name: `growth-${visit}`,
    config: {
      ...config,
      'topic.prefix': `growth-${visit}`,
      'slot.name': `growth_${visit}`,
      'snapshot.mode': 'no_data',
      // Its topic is not in the table of topics.
      'heartbeat.interval.ms': '0',
    },
  });
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
