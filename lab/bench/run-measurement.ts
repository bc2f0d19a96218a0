import type { TestStack } from 'walpost/testing/test-stack';
import type { Comparison, Measurement, Side } from './measurement.ts';
import type { ProgressLine } from './progress-line.ts';
import { withReleases } from './releases.ts';
import { type Machine, type Result, type Row, rowsOf } from './result.ts';

export interface RunOptions {
  quick: boolean;
  /** How often each side is sampled. */
  repeats: number;
  machine: Machine;
  progress: ProgressLine;
  /** Ends the measurement at its next sample. */
  signal: AbortSignal;
}

/** Runs a measurement on a stack that has its parts. Throws what it throws, with everything released. */
export async function runMeasurement(
  { name, summary, run }: Measurement,
  stack: TestStack,
  { quick, repeats, machine, progress, signal }: RunOptions,
): Promise<Result> {
  const started = new Date();
  const rows: Row[] = [];
  const notes: string[] = [];
  let done = 0;
  let total = 0;

  async function compare(comparison: Comparison): Promise<void> {
    const sides: Side[] = [comparison.subject, ...comparison.references];
    const samples = sides.map((): Readonly<Record<string, number>>[] => []);
    const rounds = repeats * (comparison.times ?? 1);
    total += rounds * sides.length;
    for (let round = 0; round < rounds; round++) {
      // There and back: a side that always came after the same other one would inherit what that left behind.
      const order = round % 2 === 0 ? sides.keys() : [...sides.keys()].reverse();
      for (const at of order) {
        signal.throwIfAborted();
        progress.show(`${name}: ${comparison.title}: ${sides[at]?.label}`, done, total);
        const sample = await sides[at]?.sample();
        if (sample) samples[at]?.push(sample);
        done += 1;
      }
    }
    rows.push(...rowsOf(comparison, samples));
  }

  try {
    await withReleases((defer) =>
      run({
        name,
        stack,
        quick,
        repeats,
        compare,
        say: (text) => {
          signal.throwIfAborted();
          progress.show(`${name}: ${text}`, done, total);
        },
        note: (text) => notes.push(text),
        defer,
      }),
    );
  } finally {
    progress.clear();
  }
  const seconds = Math.round((Date.now() - started.getTime()) / 1000);
  return {
    measurement: name,
    summary,
    quick,
    startedAt: started.toISOString(),
    seconds,
    machine,
    rows,
    notes,
  };
}
