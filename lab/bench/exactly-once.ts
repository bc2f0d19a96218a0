import type { Bench, Measurement, Reference } from './measurement.ts';
import { RELAY_PARTS } from './parts.ts';
import { openWatchedRelay, RELAY_METRICS, type WatchedRelay } from './relay-sample.ts';
import { startWithoutExactlyOnce, withoutExactlyOnce } from './without-exactly-once.ts';

/** What it costs to keep duplicates out of the topic. */
export const exactlyOnce: Measurement = {
  name: 'exactly-once',
  summary: 'Connect with exactly-once source support, against Connect without it',
  parts: RELAY_PARTS,
  takesLong: true,
  run,
};

async function run(bench: Bench): Promise<void> {
  const { quick, say, compare, defer } = bench;
  say('starting a second stack, whose worker has it switched off');
  const other = await startWithoutExactlyOnce();
  defer(() => other.close());
  const rows = quick ? 30_000 : 200_000;
  const seconds = quick ? 2 : 5;
  const side = (label: string, { fill, sample }: WatchedRelay): Reference => ({
    label,
    async sample() {
      await fill(rows);
      return sample(rows, seconds);
    },
  });
  await compare({
    title: `${rows} rows`,
    metrics: RELAY_METRICS,
    subject: side('on', await openWatchedRelay(bench)),
    references: [
      {
        ...side('off', await openWatchedRelay({ stack: other, defer }, withoutExactlyOnce)),
        goals: { drain: '0.9' },
      },
    ],
  });
}
