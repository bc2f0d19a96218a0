import { testStack } from '@walpost/native/test-stack';
import { openConsumerLoad } from './consumer-load.js';
import { openGrowingOutbox } from './growing-outbox.js';
import { type GrowingSystem, openGrowingSystem } from './growing-system.js';
import type { Bench, Comparison, Measurement, Side } from './measurement.js';
import { FLOW_METRICS } from './order-flow.js';
import { STREAM_PARTS } from './parts.js';
import { CALM, RELAY_METRICS, type WatchedRelay } from './relay-sample.js';
import { startWithoutExactlyOnce, withoutExactlyOnce } from './without-exactly-once.js';

const SIZES = [100_000, 1_000_000, 10_000_000];
const QUICK_SIZES = [10_000, 100_000];
/** That one sample of the consumer acts on. */
const eventsOf = ({ quick }: Bench) => (quick ? 10_000 : 50_000);
/** Partitions of the topic, and members of the group. */
const SHAPES: readonly [number, number][] = [
  [6, 1],
  [24, 1],
  [24, 2],
  [24, 4],
];
const RATE = { name: 'rate', unit: '1/s', better: 'more' } as const;
const FLAT = 'flat: 0.85 to 1.15';

/** Whether it stays as fast when there is much of everything. */
export const growth: Measurement = {
  name: 'growth',
  summary:
    'intake, consumer, relay and an order’s whole way as tables and topics grow, beside a stack that stays small; the consumer with more partitions and members',
  parts: STREAM_PARTS,
  takesLong: true,
  run,
};

async function run(bench: Bench): Promise<void> {
  await whileGrowing(bench);
  await withMoreMembers(bench);
}

/**
 * Samples a stack that grows in turn with one that stays as it was: a machine and its JVMs become faster and slower with
 * time, which must not look like size. At the smallest size the two are alike, which shows what a ratio is worth.
 */
async function whileGrowing(bench: Bench): Promise<void> {
  const { quick, say, defer } = bench;
  say('starting a second stack, which stays small');
  const beside = await testStack(STREAM_PARTS);
  defer(() => beside.close());
  say('starting a third stack, whose worker has exactly-once switched off');
  const other = await startWithoutExactlyOnce();
  defer(() => other.close());

  const events = eventsOf(bench);
  const grown = await openGrowingSystem(bench, events);
  const small = await openGrowingSystem({ ...bench, stack: beside }, events);
  const plain = await openGrowingOutbox({ stack: other, defer }, withoutExactlyOnce);
  const sizes = quick ? QUICK_SIZES : SIZES;
  const [smallest = 0] = sizes;
  for (const size of sizes) {
    say(`making it ${each(size)}`);
    await grown.resize(size);
    await plain.resize(size);
    await small.resize(smallest);
    const sides: Sides = {
      grown: { system: grown, label: each(size) },
      small: { system: small, label: `${each(smallest)}, beside it` },
    };
    await compareConsumers(bench, sides);
    await plain.withRelay((relay) =>
      compareRelays(bench, sides, { relay, label: `${each(size)}, without exactly-once` }),
    );
    await compareFlows(bench, sides);
    // The last one, because it adds the most to what is small.
    await compareIntakes(bench, sides);
  }
}

const each = (size: number) => `${size.toLocaleString('en-US')} each`;

type Sides = Record<'grown' | 'small', { system: GrowingSystem; label: string }>;

function compareConsumers(bench: Bench, { grown, small }: Sides): Promise<void> {
  return compareWarm(bench, {
    title: 'consumer',
    metrics: [RATE],
    times: 2,
    subject: { label: grown.label, sample: grown.system.consume },
    references: [{ label: small.label, sample: small.system.consume, goals: { rate: FLAT } }],
  });
}

function compareIntakes(bench: Bench, { grown, small }: Sides): Promise<void> {
  const side = ({ system, label }: Sides['grown']): Side => ({ label, sample: () => system.takeIn(2) });
  return compareWarm(bench, {
    title: 'intake',
    metrics: [RATE],
    times: 2,
    subject: side(grown),
    references: [{ ...side(small), goals: { rate: FLAT } }],
  });
}

function compareRelays(
  bench: Bench,
  { grown, small }: Sides,
  plain: { relay: WatchedRelay; label: string },
): Promise<void> {
  const rows = bench.quick ? 5_000 : 20_000;
  const seconds = bench.quick ? 2 : 5;
  const side = (label: string, { fill, sample }: WatchedRelay): Side => ({
    label,
    async sample() {
      await fill(rows);
      return sample(rows, seconds);
    },
  });
  return grown.system.withRelay((grownRelay) =>
    small.system.withRelay((smallRelay) =>
      compareWarm(bench, {
        title: 'relay',
        metrics: RELAY_METRICS,
        subject: side(grown.label, grownRelay),
        references: [
          { ...side(small.label, smallRelay), goals: flat(RELAY_METRICS) },
          side(plain.label, plain.relay),
        ],
      }),
    ),
  );
}

function compareFlows(bench: Bench, { grown, small }: Sides): Promise<void> {
  const { quick, say } = bench;
  const seconds = quick ? 2 : 5;
  // A service that has just started has its code still to compile: 1,400 ms to CONFIRMED became 400 in a minute.
  const warmUp = quick ? 5 : 45;
  return grown.system.whileItRuns((followGrown) =>
    small.system.whileItRuns(async (followSmall) => {
      say('warming up payment and inventory');
      for (const follow of [followGrown, followSmall]) await follow(warmUp);
      await bench.compare({
        title: `one order at ${CALM}/s`,
        metrics: FLOW_METRICS,
        times: 2,
        subject: { label: grown.label, sample: () => followGrown(seconds) },
        references: [{ label: small.label, sample: () => followSmall(seconds), goals: flat(FLOW_METRICS) }],
      });
    }),
  );
}

const flat = (metrics: readonly { name: string }[]) =>
  Object.fromEntries(metrics.map(({ name }) => [name, FLAT]));

/** Compares sides after a sample of each that is not kept. */
async function compareWarm({ compare, say }: Bench, comparison: Comparison): Promise<void> {
  for (const { label, sample } of [comparison.subject, ...comparison.references]) {
    say(`${comparison.title}: warming up, ${label}`);
    await sample();
  }
  await compare(comparison);
}

/** What more partitions and members are worth, beside one partition with one member. */
async function withMoreMembers(bench: Bench): Promise<void> {
  const consumer = await openConsumerLoad(bench);
  const events = eventsOf(bench);
  await consumer.fill('bench-narrow', 1, events);
  const consume = async (topic: string, members: number) => {
    await consumer.clean(topic);
    const { rate } = await consumer.consume(topic, events, { members });
    return { rate };
  };
  for (const [partitions, members] of SHAPES) {
    const topic = `bench-${partitions}-${members}`;
    await consumer.fill(topic, partitions, events);
    await bench.compare({
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
