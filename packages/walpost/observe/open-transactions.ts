import type { KafkaRequests, OpenTransaction } from '@walpost/kit/kafka/requests';

/** What there is in partitions of a topic beyond what those can read who read committed records. */
export interface Unreadable {
  /** The ends of the partitions, all of it included. */
  readonly highs: ReadonlyMap<number, bigint>;
  /** The first transaction of a partition that keeps its consumers from the end. */
  readonly open: ReadonlyMap<number, OpenTransaction>;
}

/**
 * Asks what of a topic cannot be read yet, and whose transaction is in the way.
 * @param ends how far each partition can be read, which is what kafkajs calls `high`
 */
export async function findUnreadable(
  requests: KafkaRequests,
  topic: string,
  ends: readonly { partition: number; high: string | null }[],
): Promise<Unreadable> {
  const highs = await requests.highWatermarks(
    topic,
    ends.map(({ partition }) => partition),
  );
  const behind = ends.filter(({ partition, high }) => (highs.get(partition) ?? 0n) > BigInt(high ?? 0));
  if (behind.length === 0) return { highs, open: new Map() };
  const open = await requests.openTransactions(
    topic,
    behind.map(({ partition }) => partition),
  );
  // The first of each partition wins.
  return { highs, open: new Map(open.toReversed().map((each) => [each.partition, each])) };
}

/** When a transaction began, as far as anybody knows, ms. */
export function openSince({ since, lastWrite }: OpenTransaction): number {
  return since ?? lastWrite;
}

/** Says whose transaction it is, and what it does, in one line. */
export function transactionText(transaction: OpenTransaction): string {
  const { topic, partition, from, producerId, producerEpoch, transactionalId, hanging } = transaction;
  const named = transactionalId === null ? 'a transaction' : `the transaction ${transactionalId}`;
  const after = hanging ? ', and its coordinator does not know of it: nobody ends it' : '';
  return `${topic}/${partition} cannot be read from offset ${from} on: ${named} of producer ${producerId} (epoch ${producerEpoch}) is open${after}`;
}

/** The commands that help against it: Kafka ends one by itself after its time, 15 minutes at most, unless it hangs. */
export function transactionHelp({
  topic,
  partition,
  from,
  transactionalId,
  hanging,
}: OpenTransaction): string[] {
  const tool = 'kafka-transactions --bootstrap-server …';
  if (hanging) return [`${tool} abort --topic ${topic} --partition ${partition} --start-offset ${from}`];
  return [`${tool} describe --transactional-id ${transactionalId}`];
}
