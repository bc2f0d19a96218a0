import { codec } from './codec.js';
import { consumer } from './consumer.js';
import { cost } from './cost.js';
import { exactlyOnce } from './exactly-once.js';
import { growth } from './growth.js';
import { headroom } from './headroom.js';
import { intake } from './intake.js';
import { latency } from './latency.js';
import type { Measurement } from './measurement.js';
import { memory } from './memory.js';
import { profile } from './profile.js';
import { relay } from './relay.js';
import { rivals } from './rivals.js';
import { tracing } from './tracing.js';

/** All measurements. Neighbours with the same parts share a stack. */
export const measurements: readonly Measurement[] = [
  intake,
  codec,
  tracing,
  consumer,
  profile,
  latency,
  rivals,
  relay,
  exactlyOnce,
  headroom,
  growth,
  memory,
  cost,
];
