import type postgres from 'postgres';
import { type ConsumerLoad, openConsumerLoad } from './consumer-load.js';
import { openSql, quiet } from './database.js';
import { placeOrders } from './http-load.js';
import type { Bench, Measurement } from './measurement.js';
import { outboxColumns, outboxValues } from './order-sql.js';
import { STREAM_PARTS } from './parts.js';
import { recorded } from './recorded.js';
import { openRelay } from './relay-process.js';
import { startService } from './service-process.js';

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

/** Whether it stays as fast when there is much of everything. */
export const growth: Measurement = {
  name: 'growth',
  summary: 'intake, relay and consumer as tables grow, and with more partitions and members',
  parts: STREAM_PARTS,
  takesLong: true,
  run,
};

async function run(bench: Bench): Promise<void> {
  const { quick, compare } = bench;
  const sizes = quick ? QUICK_SIZES : SIZES;
  const consumer = await openConsumerLoad(bench);
  const found = await whileGrowing(bench, consumer, sizes);
  const metrics = [{ name: 'rate', unit: '1/s', better: 'more' }] as const;
  for (const what of ['intake', 'relay', 'consumer'] as const) {
    for (const size of sizes.slice(1)) {
      const side = (of: number) => recorded(rows(of), { rate: found.get(of)?.[what] ?? [] });
      await compare({
        title: what,
        metrics,
        times: VISITS,
        subject: side(size),
        references: [{ ...side(sizes[0] ?? 0), goals: { rate: FLAT } }],
      });
    }
  }
  const events = quick ? QUICK_EVENTS : EVENTS;
  await consumer.fill('bench-narrow', 1, events);
  const consume = async (topic: string, members: number) => {
    await consumer.clean(topic);
    const { rate } = await consumer.consume(topic, events, members);
    return { rate };
  };
  for (const [partitions, members] of SHAPES) {
    const topic = `bench-${partitions}-${members}`;
    await consumer.fill(topic, partitions, events);
    await compare({
      title: 'consumer',
      metrics,
      subject: {
        label: `${partitions} partitions, ${members} member${members > 1 ? 's' : ''}`,
        sample: () => consume(topic, members),
      },
      references: [
        {
          label: '1 partition, 1 member',
          sample: () => consume('bench-narrow', 1),
        },
      ],
    });
  }
}

const rows = (count: number) => `${count.toLocaleString('en-US')} rows`;

type Rates = Record<'intake' | 'relay' | 'consumer', number[]>;

/** Samples everything at each size, from the smallest to the largest and back. */
async function whileGrowing(
  bench: Bench,
  consumer: ConsumerLoad,
  sizes: readonly number[],
): Promise<Map<number, Rates>> {
  const { quick, say, repeats } = bench;
  const orders = openSql(bench, 'orders', 2);
  const payments = openSql(bench, 'payments');
  const url = await startService(bench, 'order');
  const events = quick ? QUICK_EVENTS : EVENTS;
  await consumer.fill(GROWTH_TOPIC, 6, events);
  await placeOrders(url, CONNECTIONS, 3);
  let visits = 0;
  const sampleAt = async (size: number, times: number, rates: Rates): Promise<void> => {
    say(`making it ${rows(size)}`);
    await makeOutbox(orders, size);
    await makeInbox(payments, size);
    visits += 1;
    const relay = await openRelay(bench, fromHere(visits));
    for (let time = 1; time <= times; time++) {
      say(`${rows(size)}, ${time} of ${times}`);
      await consumer.clean(GROWTH_TOPIC);
      rates.consumer.push((await consumer.consume(GROWTH_TOPIC, events)).rate);
      const before = await count(orders);
      rates.intake.push(await placeOrders(url, CONNECTIONS, quick ? 2 : 4));
      await quiet(orders);
      const { streaming } = await relay.drain((await count(orders)) - before);
      rates.relay.push(streaming);
    }
  };
  const none = (): Rates => ({ intake: [], relay: [], consumer: [] });
  if (!quick) {
    // A JVM that has just started would be slower with few rows than later with many.
    await sampleAt(WARM_UP_ROWS, WARM_UPS, none());
  }
  const found = new Map(sizes.map((size) => [size, none()]));
  const there = [...found];
  for (const [size, rates] of [...there, ...there.toReversed()]) await sampleAt(size, repeats, rates);
  return found;
}

/** A connector of its own for each visit, which begins here: the rows that made the table large are not for sending. */
function fromHere(visit: number) {
  return ({ config }: { config: Record<string, string> }) => ({
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

async function count(sql: postgres.Sql, table: 'outbox' | 'inbox' = 'outbox'): Promise<number> {
  const [row] = await sql<{ n: number }[]>`select count(*)::int as n from ${sql(table)}`;
  return row?.n ?? 0;
}

const AT_ONCE = 500_000;

/** On the way back a table has ten times the size, and is emptied; what samples have added may stay. */
const TOO_LARGE = 2;

async function makeOutbox(sql: postgres.Sql, size: number): Promise<void> {
  if ((await count(sql)) > TOO_LARGE * size) await sql`truncate orders, outbox`;
  for (let at = await count(sql); at < size; at += AT_ONCE) {
    const more = Math.min(AT_ONCE, size - at);
    await sql.unsafe(`with ids as materialized (select uuidv7() as id from generate_series(1, ${more})),
      placed as (insert into orders (id, customer_id, currency, items, total_amount, status, payment, stock, version, created_at)
        select id, 'ada', 'EUR', '[]', 0, 'CONFIRMED', 'YES', 'YES', 2, now() from ids)
      insert into outbox ${outboxColumns} select ${outboxValues('id::text')} from ids`);
  }
  // Autovacuum would do it while the samples are taken.
  await sql`vacuum analyze orders, outbox`;
  await sql`checkpoint`;
}

async function makeInbox(sql: postgres.Sql, size: number): Promise<void> {
  if ((await count(sql, 'inbox')) > TOO_LARGE * size) await sql`truncate inbox`;
  for (let at = await count(sql, 'inbox'); at < size; at += AT_ONCE) {
    await sql`insert into inbox select uuidv7(), 'order-events', uuidv7()::text, 1, now()
      from generate_series(1, ${Math.min(AT_ONCE, size - at)})`;
  }
  await sql`vacuum analyze inbox`;
  await sql`checkpoint`;
}
