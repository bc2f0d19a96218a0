import type { Consumer, ConsumerRunConfig } from '@walpost/kit/kafka/kafkajs';
import pTimeout from 'p-timeout';

/** How long joining a group may take, s: a broker that has just started loads its groups first. */
const JOIN_SECONDS = 20;

/**
 * Runs a consumer and waits until it fetches. Before that kafkajs commits nothing and leaves no group, and says neither.
 * @throws the client's error when it gives up, or that the group could not be joined in time
 */
export async function startFetching(consumer: Consumer, config: ConsumerRunConfig): Promise<void> {
  const fetching = new Promise<void>((resolve, reject) => {
    consumer.on(consumer.events.FETCH_START, () => resolve());
    // After any other crash the client starts again by itself.
    consumer.on(consumer.events.CRASH, ({ payload: { error, restart } }) => {
      if (!restart) reject(error);
    });
    consumer.run({ autoCommit: false, ...config }).catch(reject);
  });
  const message = `the group could not be joined within ${JOIN_SECONDS} s`;
  await pTimeout(fetching, { milliseconds: JOIN_SECONDS * 1000, message });
}
