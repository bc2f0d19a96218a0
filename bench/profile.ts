import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openConsumerLoad } from './consumer-load.js';
import { type CpuProfile, profileClock, type Stretch, sharesOf, startProfile } from './cpu-profile.js';
import { emptyOrders, openSql } from './database.js';
import { placeOrders } from './http-load.js';
import type { Bench, Measurement } from './measurement.js';
import { STREAM_PARTS } from './parts.js';
import { startService } from './service-process.js';
import { summarize } from './statistics.js';

const CONNECTIONS = 64;
const WARM_UP_SECONDS = 3;
const SECONDS = 4;
const TOPIC = 'bench-profile';
const PARTITIONS = 6;
const ENTRIES = 5;

/** What the hot paths are busy with. */
export const profile: Measurement = {
  name: 'profile',
  summary: 'where the CPU time of the order service and of the consumer goes, under load',
  parts: STREAM_PARTS,
  async run(bench) {
    await profileIntake(bench);
    await profileConsumer(bench);
  },
};

async function profileIntake(bench: Bench): Promise<void> {
  const { stack, repeats, folder, say } = bench;
  const file = join(folder, 'intake.cpuprofile');
  const preload = new URL('profile-process.js', import.meta.url);
  const name = 'profiled-order';
  say('starting the order service');
  const url = await startService(bench, 'order', {
    name,
    env: { NODE_OPTIONS: `--import=${preload}`, WALPOST_PROFILE: file },
  });
  const sql = openSql(bench, 'orders');
  await placeOrders(url, CONNECTIONS, WARM_UP_SECONDS);
  const stretches: Stretch[] = [];
  for (let repeat = 0; repeat < repeats; repeat++) {
    say(`taking orders in, ${repeat + 1} of ${repeats}`);
    await emptyOrders(sql);
    stretches.push(await during(() => placeOrders(url, CONNECTIONS, SECONDS)));
  }
  await stack.stop(name);
  report(bench, `intake, ${CONNECTIONS} connections`, JSON.parse(readFileSync(file, 'utf8')), stretches);
}

async function profileConsumer(bench: Bench): Promise<void> {
  const { quick, repeats, folder, say } = bench;
  const events = quick ? 20_000 : 100_000;
  say(`writing ${events} events`);
  const { fill, clean, consume } = await openConsumerLoad(bench);
  await fill(TOPIC, PARTITIONS, events);
  await consume(TOPIC, events);
  const stop = startProfile();
  const stretches: Stretch[] = [];
  for (let repeat = 0; repeat < repeats; repeat++) {
    say(`consuming, ${repeat + 1} of ${repeats}`);
    await clean();
    stretches.push(await during(() => consume(TOPIC, events)));
  }
  const taken = stop();
  writeFileSync(join(folder, 'consumer.cpuprofile'), JSON.stringify(taken));
  report(bench, `consumer, ${events} events`, taken, stretches);
}

async function during(work: () => Promise<unknown>): Promise<Stretch> {
  const from = profileClock();
  await work();
  return { from, to: profileClock() };
}

/** Keeps the five greatest entries, each with its share in every stretch. */
function report(
  { keep, note }: Bench,
  title: string,
  taken: CpuProfile,
  stretches: readonly Stretch[],
): void {
  const shares = stretches.map((stretch) => sharesOf(taken, stretch));
  const table = (by: string, entries: ReadonlyMap<string, number>[]) => {
    for (const [label, samples] of greatest(entries))
      keep({ title: `${title}, by ${by}`, name: 'share', unit: '%', better: 'less', label, samples });
  };
  table(
    'function',
    shares.map(({ byFunction }) => byFunction),
  );
  table(
    'package',
    shares.map(({ byPackage }) => byPackage),
  );
  const { median } = summarize(shares.map(({ busy }) => 100 * busy));
  note(`${title}: the thread was busy for ${median.toFixed(0)} % of the time, which the shares are of`);
}

function greatest(shares: readonly ReadonlyMap<string, number>[]): [string, number[]][] {
  const entries = [...new Set(shares.flatMap((each) => [...each.keys()]))].map(
    (entry): [string, number[]] => [entry, shares.map((each) => 100 * (each.get(entry) ?? 0))],
  );
  return entries
    .sort(([, one], [, other]) => summarize(other).median - summarize(one).median)
    .slice(0, ENTRIES);
}
