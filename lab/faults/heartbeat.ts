import { eventually } from './eventually.ts';
import { type Lab, openKafka } from './lab.ts';
import { connectors } from './plan.ts';

/** Heartbeats come every 10 s, and Connect may be down just now, s. */
const TIMEOUT_S = 240;

/** Waits for the moment in which a heartbeat of a connector is on its topic, committed: kafkajs reports no end before. */
export async function awaitHeartbeat({ env }: Lab): Promise<void> {
  const admin = openKafka(env).admin();
  const count = async () => {
    const ends = await Promise.all(
      connectors.map((name) => admin.fetchTopicOffsets(`__debezium-heartbeat.${name}`)),
    );
    return ends.flat().reduce((sum, { high }) => sum + BigInt(high), 0n);
  };
  try {
    await eventually('the broker', TIMEOUT_S, async () => {
      await admin.connect();
      return true;
    });
    const before = await eventually('the heartbeats', TIMEOUT_S, count);
    await eventually(
      'a heartbeat',
      TIMEOUT_S,
      async () => ((await count()) > before ? true : undefined),
      POLL_MS,
    );
  } finally {
    await admin.disconnect();
  }
}

/** Right after it is what counts. */
const POLL_MS = 20;
