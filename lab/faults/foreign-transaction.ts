import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from './eventually.ts';
import type { Planted } from './evidence.ts';
import { PLANTED } from './evidence.ts';
import type { Times } from './inflict.ts';
import { type Lab, openKafka } from './lab.ts';
import type { TransactionEnd } from './plan.ts';

const TIMEOUT_S = 180;
const TOPIC = 'order-events';
const LONGER_THAN_IT_LASTS_MS = 60_000;

/**
 * Writes to every partition of a topic in a transaction that stays open for a while, and is then aborted, or left to the
 * broker to abort. Whoever reads committed records waits for that moment, and sees none of these.
 */
export async function holdTransaction(
  { env }: Lab,
  end: TransactionEnd,
  lasts: number,
): Promise<Times & { planted: Planted }> {
  const id = randomUUID();
  const from = Date.now();
  await eventually('a transaction of another program', TIMEOUT_S, async () => {
    const kafka = openKafka(env);
    const admin = kafka.admin();
    const producer = kafka.producer({
      transactionalId: `lab-${id}`,
      idempotent: true,
      maxInFlightRequests: 1,
      // Then the broker aborts it.
      transactionTimeout: end === 'left-open' ? lasts : LONGER_THAN_IT_LASTS_MS,
    });
    try {
      await Promise.all([admin.connect(), producer.connect()]);
      const partitions = (await admin.fetchTopicOffsets(TOPIC)).map(({ partition }) => partition);
      const transaction = await producer.transaction();
      const value = 'never committed';
      const messages = partitions.map((partition) => ({
        partition,
        key: id,
        value,
        headers: { [PLANTED]: id },
      }));
      await transaction.send({ topic: TOPIC, messages });
      await delay(lasts);
      if (end === 'aborted') await transaction.abort();
      return true;
    } finally {
      await Promise.all([producer.disconnect(), admin.disconnect()]);
    }
  });
  return { from, to: Date.now(), planted: { id, kind: 'uncommitted', topic: TOPIC, key: id, at: from } };
}
