import { broadcast } from './broadcast.js';
import { dualWrite } from './dual-write.js';
import { manualAck } from './manual-ack.js';
import { ordering } from './ordering.js';
import { rebalance } from './rebalance.js';
import { retention } from './retention.js';
import type { Scenario } from './stage.js';
import { synchronous } from './synchronous.js';

/** All scenarios, in the order in which a newcomer would look at them. */
export const scenarios: readonly Scenario[] = [
  broadcast,
  rebalance,
  ordering,
  retention,
  manualAck,
  synchronous,
  dualWrite,
];
