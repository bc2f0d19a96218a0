import type { Comparison, Metric } from './measurement.ts';
import { ratioOf, type Summary, summarize } from './statistics.ts';

/** A machine, as far as it matters for the figures. */
export interface Machine {
  cpu: string;
  cores: number;
  memoryGiB: number;
  system: string;
  node: string;
}

/** One side of a row: its samples, in the order in which they were taken. */
export interface Measured {
  label: string;
  samples: readonly number[];
  summary: Summary;
}

/** One metric of the subject, beside one reference if there is any. */
export interface Row extends Metric {
  title: string;
  subject: Measured;
  reference?: Measured & { ratio: Summary; goal?: string };
}

/** What one measurement found; written as JSON. */
export interface Result {
  measurement: string;
  summary: string;
  quick: boolean;
  startedAt: string;
  seconds: number;
  machine: Machine;
  rows: readonly Row[];
  notes: readonly string[];
}

/** By side, in the order of subject and references: the samples by metric. */
export type Samples = readonly (readonly Readonly<Record<string, number>>[])[];

/** The rows of a comparison: each metric beside each reference, or alone. */
export function rowsOf({ title, metrics, subject, references }: Comparison, samples: Samples): Row[] {
  const measured = (label: string, side: number, metric: Metric): Measured => {
    const values = (samples[side] ?? []).map((sample) => sample[metric.name] ?? Number.NaN);
    return { label, samples: values, summary: summarize(values) };
  };
  return metrics.flatMap((metric): Row[] => {
    const own = measured(subject.label, 0, metric);
    if (references.length === 0) return [{ ...metric, title, subject: own }];
    return references.map((reference, at) => {
      const other = measured(reference.label, at + 1, metric);
      const goal = reference.goals?.[metric.name];
      const ratio = ratioOf(own.samples, other.samples);
      return { ...metric, title, subject: own, reference: { ...other, ratio, ...(goal && { goal }) } };
    });
  });
}
