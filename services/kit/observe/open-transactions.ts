import type { KafkaRequests, OpenTransaction } from '../kafka/requests.js';

/** How far the partitions of a topic can be read, and what is open behind that, by partition. */
export interface ReadableEnds {
  readonly ends: ReadonlyMap<number, bigint>;
  /** The first transaction of a partition that keeps its readers from the end. */
  readonly open: ReadonlyMap<number, OpenTransaction>;
}

/** Asks how far a topic can be read by those who read committed records, and whose transaction is in their way. */
export async function readableEnds(
  requests: KafkaRequests,
  topic: string,
  ends: readonly { partition: number; high: string | null }[],
): Promise<ReadableEnds> {
  const stable = await requests.stableEnds(
    topic,
    ends.map(({ partition }) => partition),
  );
  const behind = ends.filter(({ partition, high }) => BigInt(high ?? 0) > (stable.get(partition) ?? 0n));
  if (behind.length === 0) return { ends: stable, open: new Map() };
  const open = await requests.openTransactions(
    topic,
    behind.map(({ partition }) => partition),
  );
  // The first of each partition wins.
  return { ends: stable, open: new Map(open.toReversed().map((each) => [each.partition, each])) };
}

/** When a transaction began, as far as anybody knows, ms. */
export function openSince({ since, lastWrite }: OpenTransaction): number {
  return since ?? lastWrite;
}

/** Says whose transaction it is, and what it does, in one line. */
export function transactionText(transaction: OpenTransaction): string {
  const { topic, partition, from, producerId, producerEpoch, transactionalId } = transaction;
  const producer = `producer ${producerId} (epoch ${producerEpoch})`;
  return transactionalId === null
    ? `${topic}/${partition} cannot be read from offset ${from} on: a transaction of ${producer} is open, and no coordinator knows it any more`
    : `${topic}/${partition} cannot be read from offset ${from} on: the transaction ${transactionalId} of ${producer} is open`;
}

/** The commands that help against it: Kafka ends one by itself after its time, 15 minutes at most, if it knows it. */
export function transactionHelp({ topic, partition, from, transactionalId }: OpenTransaction): string[] {
  return transactionalId === null
    ? [
        `kafka-transactions --bootstrap-server … abort --topic ${topic} --partition ${partition} --start-offset ${from}`,
      ]
    : [`kafka-transactions --bootstrap-server … describe --transactional-id ${transactionalId}`];
}
