import { beforeParsing } from './inside-kafkajs.ts';

/** What is used of an answer to Fetch. */
export interface Fetched {
  readonly responses: readonly { readonly partitions: readonly FetchedPartition[] }[];
}

interface FetchedPartition {
  abortedTransactions: readonly { readonly producerId: string; readonly firstOffset: string }[];
  readonly messages: readonly FetchedRecord[];
}

interface FetchedRecord {
  readonly offset: string;
  readonly key: Buffer | null;
  isControlRecord: boolean;
  readonly batchContext: { readonly producerId: string; readonly inTransaction: boolean };
}

/** The kind of a control record is in its key, after two bytes; this one ends a transaction that was aborted. */
const KIND_AT = 2;
const ABORT = 0;

/**
 * Has kafkajs hand no records of aborted transactions to a consumer. By itself it takes Kafka's list of them for one
 * in the order of their beginnings, while it is in the order of their ends, and takes up one transaction for each record,
 * while several may have begun before the first. So records of transactions that overlapped came through.
 */
export function passOverAborted(): void {
  // As every broker since 2.3 is asked.
  beforeParsing<Fetched>('fetch/v11', ({ responses }) => {
    for (const { partitions } of responses) partitions.forEach(markAborted);
  });
}

/** Marks aborted records as control records: kafkajs hands out neither, and commits past both. */
function markAborted(partition: FetchedPartition): void {
  const begins = partition.abortedTransactions
    .map(({ producerId, firstOffset }) => ({ producerId, first: BigInt(firstOffset) }))
    .sort((a, b) => Number(a.first - b.first));
  // Nothing is left to kafkajs, which takes a record whose key is four zeros for the end of a transaction.
  partition.abortedTransactions = [];
  if (begins.length === 0) return;
  const aborting = new Set<string>();
  let next = 0;
  for (const record of partition.messages) {
    const offset = BigInt(record.offset);
    for (let begin = begins[next]; begin && begin.first <= offset; begin = begins[++next])
      aborting.add(begin.producerId);
    const { producerId, inTransaction } = record.batchContext;
    if (!record.isControlRecord) record.isControlRecord = inTransaction && aborting.has(producerId);
    else if (record.key?.readInt16BE(KIND_AT) === ABORT) aborting.delete(producerId);
  }
}
