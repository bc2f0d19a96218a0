import type { Side } from './measurement.js';

/** A side whose samples were taken before, for what cannot be sampled in turn. After the last one it begins anew. */
export function recorded(label: string, samples: readonly Readonly<Record<string, number>>[]): Side {
  let at = 0;
  return {
    label,
    async sample() {
      const sample = samples[at % samples.length];
      if (!sample) throw new RangeError(`nothing was sampled: ${label}`);
      at += 1;
      return sample;
    },
  };
}
