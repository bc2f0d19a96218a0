/** Several values of one number. */
export interface Summary {
  median: number;
  min: number;
  max: number;
}

/** @throws {RangeError} there are no values */
export function summarize(values: readonly number[]): Summary {
  const sorted = [...values].sort((a, b) => a - b);
  const [min] = sorted;
  const max = sorted.at(-1);
  if (min === undefined || max === undefined) throw new RangeError('there is nothing to summarize');
  return { median: percentile(sorted, 0.5), min, max };
}

/**
 * The ratio of two sides that were sampled in turn: each sample is compared with its neighbour in time, so that a
 * machine that becomes slower during the run does not show in the ratio.
 */
export function ratioOf(subject: readonly number[], reference: readonly number[]): Summary {
  return summarize(subject.map((value, at) => value / (reference[at] ?? Number.NaN)));
}

/**
 * @param sorted in ascending order
 * @param share 0 to 1; between two values it is interpolated
 */
export function percentile(sorted: readonly number[], share: number): number {
  const position = (sorted.length - 1) * share;
  const below = sorted[Math.floor(position)] ?? Number.NaN;
  const above = sorted[Math.ceil(position)] ?? Number.NaN;
  return below + (above - below) * (position - Math.floor(position));
}
