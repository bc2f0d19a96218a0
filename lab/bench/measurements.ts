import { consumer } from './consumer.js';
import { cost } from './cost.js';
import { exactlyOnce } from './exactly-once.js';
import { intake } from './intake.js';
import { latency } from './latency.js';
import type { Measurement } from './measurement.js';
import { memory } from './memory.js';
import { relay } from './relay.js';
import { rivals } from './rivals.js';
import { tracing } from './tracing.js';

/** All measurements. Neighbours with the same parts share a stack. */
export const measurements: readonly Measurement[] = [
  intake,
  tracing,
  consumer,
  latency,
  rivals,
  relay,
  exactlyOnce,
  memory,
  cost,
];
