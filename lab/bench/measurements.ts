import { alternatives } from './alternatives.ts';
import { consumer } from './consumer.ts';
import { cost } from './cost.ts';
import { exactlyOnce } from './exactly-once.ts';
import { intake } from './intake.ts';
import { latency } from './latency.ts';
import type { Measurement } from './measurement.ts';
import { memory } from './memory.ts';
import { relay } from './relay.ts';
import { tracing } from './tracing.ts';

/** The former names of measurements that were renamed, for one more release. */
export const formerMeasurements: Readonly<Record<string, string>> = { rivals: 'alternatives' };

/** All measurements. Neighbours with the same parts share a stack. */
export const measurements: readonly Measurement[] = [
  intake,
  tracing,
  consumer,
  latency,
  alternatives,
  relay,
  exactlyOnce,
  memory,
  cost,
];
