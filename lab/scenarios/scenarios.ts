import { autoCommit } from './auto-commit.ts';
import { broadcast } from './broadcast.ts';
import { dualWrite } from './dual-write.ts';
import { firstOffset } from './first-offset.ts';
import { ghostEvent } from './ghost-event.ts';
import { idleConsumer } from './idle-consumer.ts';
import { manualAck } from './manual-ack.ts';
import { morePartitions } from './more-partitions.ts';
import { offsetsTopic } from './offsets-topic.ts';
import { ordering } from './ordering.ts';
import { poison } from './poison.ts';
import { pollingOutbox } from './polling-outbox.ts';
import { rebalance } from './rebalance.ts';
import { retention } from './retention.ts';
import type { Scenario } from './stage.ts';
import { stoppedRelay } from './stopped-relay.ts';
import { synchronous } from './synchronous.ts';

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
