import type { TestStack } from 'walpost/testing/test-stack';

/** One number of a measurement, and which way is better. */
export interface Metric {
  name: string;
  unit: string;
  better: 'more' | 'less';
}

/** What is measured, or what it is measured against: makes one sample, a value for each metric. */
export interface Side {
  label: string;
  sample(): Promise<Readonly<Record<string, number>>>;
}

/** Something to compare the subject with. */
export interface Reference extends Side {
  /** What the ratio should be, by metric, in words: `0.75 (stretch 1.0)`. */
  goals?: Readonly<Record<string, string>>;
}

export interface Comparison {
  title: string;
  metrics: readonly Metric[];
  subject: Side;
  references: readonly Reference[];
  /** So many times the run's repeats, for a difference that is smaller than that between two samples. */
  times?: number;
}

/** A stack, and who releases what is opened on it. */
export interface Place {
  stack: TestStack;
  /** Registers a release; they run when the measurement is over, the last one first. */
  defer(release: () => unknown): void;
}

/** What a measurement runs on. */
export interface Bench extends Place {
  /** Of the measurement. */
  name: string;
  /** Short runs, small data: to see that it works, and about where it is. */
  quick: boolean;
  /** How often each side is sampled. */
  repeats: number;
  /** Samples subject and references in turn, as often as the run has repeats, and keeps the result. */
  compare(comparison: Comparison): Promise<void>;
  /** Says what is being done now, on the progress line. */
  say(text: string): void;
  /** Keeps a remark with the results. */
  note(text: string): void;
}

export interface Measurement {
  name: string;
  /** What question it answers, in one line. */
  summary: string;
  /** The parts of the native stack that it needs, as `testStack` takes them. */
  parts: readonly string[];
  /** Part of a quick run only when it is named. */
  takesLong?: true;
  run(bench: Bench): Promise<void>;
}

/** The user can fix it: a program that is missing, an answer that spoils the measurement. */
export class BenchError extends Error {
  override readonly name = 'BenchError';
}
