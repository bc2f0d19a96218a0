import type { Bench, Metric } from './measurement.js';
import { recorded } from './recorded.js';

const SIZES = [100_000, 1_000_000, 10_000_000];
const QUICK_SIZES = [10_000, 100_000];
/** There and back: a machine and its JVMs become faster or slower with time, which must not look like size. */
const VISITS = 2;
const FLAT = 'flat: 0.85 to 1.15';

type Samples = readonly Readonly<Record<string, number>>[];

/** How many rows and records there are of each, in ascending order. */
export const sizesOf = ({ quick }: Bench): readonly number[] => (quick ? QUICK_SIZES : SIZES);

export const each = (size: number) => `${size.toLocaleString('en-US')} each`;

/** Visits each size with what was found there, from the smallest to the largest and back. */
export async function thereAndBack<Found>(
  found: ReadonlyMap<number, Found>,
  visit: (size: number, found: Found) => Promise<void>,
): Promise<void> {
  const there = [...found];
  for (const [size, samples] of [...there, ...there.toReversed()]) await visit(size, samples);
}

/** Compares what was sampled at each size, in both visits, with the smallest. */
export async function compareSizes(
  bench: Bench,
  title: string,
  metrics: readonly Metric[],
  samplesOf: (size: number) => Samples,
): Promise<void> {
  const goals = Object.fromEntries(metrics.map(({ name }) => [name, FLAT]));
  const side = (size: number) => recorded(each(size), samplesOf(size));
  const [smallest = 0, ...larger] = sizesOf(bench);
  for (const size of larger) {
    const references = [{ ...side(smallest), goals }];
    await bench.compare({ title, metrics, times: VISITS, apart: true, subject: side(size), references });
  }
}
