import { autoCommit } from './auto-commit.js';
import { broadcast } from './broadcast.js';
import { dualWrite } from './dual-write.js';
import { firstOffset } from './first-offset.js';
import { ghostEvent } from './ghost-event.js';
import { idleConsumer } from './idle-consumer.js';
import { manualAck } from './manual-ack.js';
import { morePartitions } from './more-partitions.js';
import { offsetsTopic } from './offsets-topic.js';
import { ordering } from './ordering.js';
import { poison } from './poison.js';
import { pollingOutbox } from './polling-outbox.js';
import { rebalance } from './rebalance.js';
import { retention } from './retention.js';
import type { Scenario } from './stage.js';
import { stoppedRelay } from './stopped-relay.js';
import { synchronous } from './synchronous.js';

/** All scenarios, in the order in which a newcomer would look at them. */
export const scenarios: readonly Scenario[] = [
  broadcast,
  retention,
  ordering,
  morePartitions,
  idleConsumer,
  rebalance,
  offsetsTopic,
  firstOffset,
  autoCommit,
  manualAck,
  poison,
  synchronous,
  dualWrite,
  ghostEvent,
  pollingOutbox,
  stoppedRelay,
];
