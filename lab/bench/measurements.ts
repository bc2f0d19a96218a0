import { alternatives } from './alternatives.js';
import { consumer } from './consumer.js';
import { cost } from './cost.js';
import { exactlyOnce } from './exactly-once.js';
import { intake } from './intake.js';
import { latency } from './latency.js';
import type { Measurement } from './measurement.js';
import { memory } from './memory.js';
import { relay } from './relay.js';
import { tracing } from './tracing.js';

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
