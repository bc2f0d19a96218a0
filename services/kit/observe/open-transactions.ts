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
