import { codec } from './codec.js';
import { consumer } from './consumer.js';
import { intake } from './intake.js';
import type { Measurement } from './measurement.js';
import { relay } from './relay.js';

/** All measurements. Neighbours with the same parts share a stack. */
export const measurements: readonly Measurement[] = [intake, codec, consumer, relay];
