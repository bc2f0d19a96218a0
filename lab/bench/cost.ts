import { setTimeout as delay } from 'node:timers/promises';
import { groups } from 'walpost/stack/component';
import { addPublishedColumn } from './alternatives/walpost-outbox.ts';
import { openSql } from './database.ts';
import { paceOrders } from './http-load.ts';
import type { Bench, Measurement, Metric, Side } from './measurement.ts';
import { followOrders } from './order-flow.ts';
import { type CpuTime, cpuTimes } from './process-cpu.ts';
import { startProgram } from './service-process.ts';
import { percentile } from './statistics.ts';

/** Orders a second. */
const RATES = [10, 50, 200];
const LATENCIES = ['HTTP p50', 'HTTP p99', 'CONFIRMED p50', 'CONFIRMED p99'] as const;
const SERVICES = ['order', 'payment', 'inventory', 'notification', 'mail', 'watcher', 'console'];
/** A JVM becomes faster for minutes; what runs for days is warm. */
const WARM_UP_SECONDS = 60;

/** What the whole stack takes of the processor. */
export const cost: Measurement = {
  name: 'cost',
  summary: 'processor time, idle and by order at 10, 50 and 200 a second, against a polled outbox and calls',
  parts: groups,
  takesLong: true,
  run,
};

/** A way of carrying orders on: the processes that it needs, and how late its orders are at a rate. */
interface Way {
  label: string;
  processes: readonly string[];
  /** Starts what only this way needs, and ends what it does not. */
  enter(): Promise<void>;
  follow(rate: number, seconds: number): Promise<Record<string, number>>;
}

const metrics: Metric[] = [
  { name: 'idle', unit: 'cores', better: 'less' },
  ...RATES.flatMap((rate): Metric[] => [
    { name: `at ${rate}/s`, unit: 'cores', better: 'less' },
    { name: `an order at ${rate}/s, above idle`, unit: 'ms of CPU', better: 'less' },
    ...LATENCIES.map((name): Metric => ({ name: `${name} at ${rate}/s`, unit: 'ms', better: 'less' })),
  ]),
];

async function run(bench: Bench): Promise<void> {
  const { quick, say, compare, note } = bench;
  const seconds = quick ? 5 : 20;
  const ways = await openWays(bench);
  const byProcess = new Map<string, Record<string, CpuTime>[]>();

  const side = (way: Way): Side => ({
    label: way.label,
    async sample() {
      const spend = async <T>(load: string, orders: number, work: () => Promise<T>) => {
        const pids = Object.fromEntries(way.processes.map((name) => [name, bench.stack.pid(name)]));
        const begun = performance.now();
        const before = cpuTimes(pids);
        const result = await work();
        const wall = (performance.now() - begun) / 1000;
        const spent = difference(cpuTimes(pids), before, orders > 0 ? orders / 1000 : wall);
        const key = `${way.label}, ${load}`;
        byProcess.set(key, [...(byProcess.get(key) ?? []), spent]);
        const total = Object.values(spent).reduce((sum, { user, system }) => sum + user + system, 0);
        return { result, wall, total };
      };
      await way.enter();
      await way.follow(50, quick ? 5 : 20);
      // What was left of it: code still to compile, e-mails still to send.
      await delay(quick ? 5_000 : 20_000);
      const { total: idle } = await spend('idle, cores', 0, () => delay(seconds * 1000));
      const values: Record<string, number> = { idle };
      for (const rate of RATES) {
        const orders = rate * seconds;
        const load = `${rate} orders/s, ms of CPU an order`;
        const { result, wall, total } = await spend(load, orders, () => way.follow(rate, seconds));
        values[`at ${rate}/s`] = (total * orders) / 1000 / wall;
        values[`an order at ${rate}/s, above idle`] = total - (idle * wall * 1000) / orders;
        for (const name of LATENCIES) values[`${name} at ${rate}/s`] = result[name] ?? Number.NaN;
      }
      return values;
    },
  });
  const [walpost, ...others] = ways.map(side);
  if (!walpost) throw new Error('there is no subject');
  say('warming up');
  await ways[0]?.follow(50, quick ? 1 : WARM_UP_SECONDS);
  await compare({ title: 'the whole stack', metrics, subject: walpost, references: others });
  for (const [key, samples] of byProcess) note(`${key}: ${table(samples)}`);
}

/** What was used between two readings, each divided by `by`. */
function difference(
  after: Record<string, CpuTime>,
  before: Record<string, CpuTime>,
  by: number,
): Record<string, CpuTime> {
  const share = (name: string, kind: keyof CpuTime) =>
    ((after[name]?.[kind] ?? 0) - (before[name]?.[kind] ?? 0)) / by;
  const entries = Object.keys(after).map((name): [string, CpuTime] => [
    name,
    { user: share(name, 'user'), system: share(name, 'system') },
  ]);
  return Object.fromEntries(entries);
}

/** The medians by process, the dearest first: user and system. */
function table(samples: readonly Record<string, CpuTime>[]): string {
  const median = (name: string, kind: keyof CpuTime) =>
    percentile(
      samples.map((sample) => sample[name]?.[kind] ?? 0).sort((a, b) => a - b),
      0.5,
    );
  return Object.keys(samples[0] ?? {})
    .map((name) => ({ name, user: median(name, 'user'), system: median(name, 'system') }))
    .sort((a, b) => b.user + b.system - a.user - a.system)
    .map(({ name, user, system }) => `${name} ${user.toPrecision(2)} + ${system.toPrecision(2)}`)
    .join(', ');
}

/**
 * Walpost; the same with its outboxes polled; and calls, which pay and reserve but publish nothing and send no e-mail.
 * What a way does not need keeps running, uncounted, but for Connect, whose connectors would read the same log.
 */
async function openWays(bench: Bench): Promise<Way[]> {
  const { stack } = bench;
  const [orders, payments, inventory] = ['orders', 'payments', 'inventory'].map((name) =>
    openSql(bench, name),
  );
  if (!orders || !payments || !inventory) throw new Error('no connection');
  await inventory`update stock set on_hand = 1000000000 where sku in ('BOOK-1', 'MUG-1')`;
  const url = `http://127.0.0.1:${stack.env['ORDER_PORT']}`;
  const called = await startProgram(bench, 'called-services', 0, {});
  const calls = await startProgram(bench, 'calling-shop', 1, { ALTERNATIVE_CALLS: called });
  await startProgram(bench, 'outbox-poller', 2, {});
  await stack.stop('outbox-poller');
  const switchTo = async (relay: 'connect' | 'outbox-poller' | undefined) => {
    for (const other of ['connect', 'outbox-poller'])
      if (other !== relay && stack.pid(other) !== undefined) await stack.stop(other);
    if (relay !== undefined && stack.pid(relay) === undefined) await stack.start(relay);
  };
  const follow = (rate: number, seconds: number) => followOrders({ url, orders, payments }, rate, seconds);
  return [
    {
      label: 'Walpost',
      processes: ['postgres', 'kafka', 'connect', 'registry', ...SERVICES],
      enter: async () => {
        for (const sql of [orders, payments, inventory])
          await sql`alter table outbox drop column if exists published_at`;
        await switchTo('connect');
      },
      follow,
    },
    {
      label: 'polled outbox, 100 ms',
      processes: ['postgres', 'kafka', 'outbox-poller', 'registry', ...SERVICES],
      enter: async () => {
        await switchTo(undefined);
        for (const [sql, role] of [
          [orders, 'orders_app'],
          [payments, 'payments_app'],
          [inventory, 'inventory_app'],
        ] as const) {
          await addPublishedColumn(sql);
          await sql`grant select, update (published_at) on outbox to ${sql(role)}`;
        }
        await switchTo('outbox-poller');
      },
      follow,
    },
    {
      label: 'synchronous calls, no e-mail',
      processes: ['postgres', 'calling-shop', 'called-services'],
      enter: () => switchTo(undefined),
      async follow(rate, seconds) {
        const answers = await paceOrders(calls, rate, seconds);
        const [p50, p99] = [percentile(answers, 0.5), percentile(answers, 0.99)];
        return { 'HTTP p50': p50, 'HTTP p99': p99, 'CONFIRMED p50': p50, 'CONFIRMED p99': p99 };
      },
    },
  ];
}
