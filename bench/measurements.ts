import { intake } from './intake.js';
import type { Measurement } from './measurement.js';

/** All measurements. Neighbours with the same parts share a stack. */
export const measurements: readonly Measurement[] = [intake];
