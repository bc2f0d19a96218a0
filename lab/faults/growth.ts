import { parts } from './plan.ts';
import type { Sample } from './watch.ts';

/** One thing that could grow: how much it was at first, at the end, and at most; bytes. */
export interface Growth {
  readonly what: string;
  readonly first: number;
  readonly last: number;
  readonly most: number;
}

/** Compares the medians of the second and the last tenth of the samples; the first is warming up. */
export function growthOf(samples: readonly Sample[]): Growth[] {
  const measures: [string, (sample: Sample) => number | undefined][] = [
    ...parts.map((part): [string, (sample: Sample) => number | undefined] => [
      `memory of ${part}`,
      ({ memory }) => memory[part],
    ]),
    ['log kept by a slot', ({ stored }) => stored?.log],
    ['outboxes', ({ stored }) => stored?.outbox],
    ['inboxes', ({ stored }) => stored?.inbox],
  ];
  return measures.flatMap(([what, of]) => {
    const values = samples.flatMap((sample) => of(sample) ?? []);
    const tenth = Math.max(1, Math.floor(values.length / 10));
    const [first, last] = [median(values.slice(tenth, 2 * tenth)), median(values.slice(-tenth))];
    return first === undefined || last === undefined
      ? []
      : [{ what, first, last, most: Math.max(...values) }];
  });
}

function median(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}
