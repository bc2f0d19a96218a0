import { randomUUID } from 'node:crypto';
import kafkajs, { type Admin, type Consumer, type EachBatchPayload } from 'kafkajs';
import type { KafkaAccess } from './kafka.js';
import { startFetching } from './start-fetching.js';

/** A place in a topic to read on from, up to the end that was seen. */
export interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly from: bigint;
  readonly end: bigint;
}

/** The record's time as its producer wrote it, ms; or that there is no record, only transaction markers. */
export type Unread = { readonly timestamp: number } | 'nothing';

/** Groups that only peek begin with this; they are gone when the command ends. */
export const PEEK_PREFIX = 'walpost-peek-';

/** Kafka's numbers for a group that still has a member, and for one that is not there. */
const NON_EMPTY_GROUP = 68;
const GROUP_ID_NOT_FOUND = 69;

/**
 * Reads the first record of each place as a consumer would see it, by a short-lived group of its own that commits
 * nothing and is deleted afterwards.
 *
 * A producer's transaction ends with a marker, which has an offset and is never given to a reader: end minus committed
 * is 1 though nothing is unread. Only reading on (read_committed) tells; `nothing` means that it reached the end.
 *
 * @param seconds how long in all; a place that nothing is known of by then is missing in the answer
 */
export async function peekUnread(
  { kafka, admin }: KafkaAccess,
  places: readonly Place[],
  seconds: number,
): Promise<Map<string, Unread>> {
  if (places.length === 0) return new Map();
  const groupId = `${PEEK_PREFIX}${randomUUID()}`;
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 100 });
  try {
    await consumer.connect();
    await consumer.subscribe({ topics: [...new Set(places.map(({ topic }) => topic))], fromBeginning: true });
    return await readFirsts(consumer, places, seconds);
  } finally {
    await consumer.disconnect();
    await deleteGroup(admin, groupId);
  }
}

/** What a place is known by in the answer. */
export function placeKey(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}

async function readFirsts(
  consumer: Consumer,
  places: readonly Place[],
  seconds: number,
): Promise<Map<string, Unread>> {
  const open = new Map(places.map((place) => [placeKey(place.topic, place.partition), place]));
  const found = new Map<string, Unread>();
  let timer: NodeJS.Timeout | undefined;
  let done: () => void = () => undefined;
  const settle = (topic: string, partition: number, unread: Unread) => {
    found.set(placeKey(topic, partition), unread);
    open.delete(placeKey(topic, partition));
    consumer.pause([{ topic, partitions: [partition] }]);
    if (open.size === 0) done();
  };
  // Before the first fetch: what the group would begin with by itself is of no interest.
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    for (const [topic, partitions] of Object.entries(payload.memberAssignment)) {
      const rest = partitions.filter((partition) => !open.has(placeKey(topic, partition)));
      if (rest.length > 0) consumer.pause([{ topic, partitions: rest }]);
    }
    for (const { topic, partition, from } of open.values())
      consumer.seek({ topic, partition, offset: from.toString() });
  });
  // kafkajs hands markers and aborted records to nobody, but tells of the batch they were in.
  consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => {
    const { topic, partition, batchSize, lastOffset } = payload;
    const place = open.get(placeKey(topic, partition));
    if (place && batchSize === 0 && BigInt(lastOffset) + 1n >= place.end) settle(topic, partition, 'nothing');
  });
  const eachBatch = async ({ batch }: EachBatchPayload) => {
    const place = open.get(placeKey(batch.topic, batch.partition));
    const first = batch.messages.find(({ offset }) => place && BigInt(offset) >= place.from);
    if (first) settle(batch.topic, batch.partition, { timestamp: Number(first.timestamp) });
  };
  const settled = new Promise<void>((resolve, reject) => {
    done = resolve;
    consumer.on(consumer.events.FETCH_START, () => {
      timer ??= setTimeout(resolve, seconds * 1000);
    });
    consumer.on(consumer.events.CRASH, ({ payload: { error, restart } }) => {
      if (!restart) reject(error);
    });
  });
  try {
    await Promise.all([startFetching(consumer, { eachBatch }), settled]);
    return found;
  } finally {
    clearTimeout(timer);
  }
}

async function deleteGroup(admin: Admin, groupId: string): Promise<void> {
  try {
    await admin.deleteGroups([groupId]);
  } catch (error) {
    if (!(error instanceof kafkajs.KafkaJSDeleteGroupsError)) throw error;
    // Gone already, or soon: Kafka itself removes a group without members and offsets.
    const harmless = [GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP];
    if (error.groups.some(({ errorCode }) => errorCode === undefined || !harmless.includes(errorCode)))
      throw error;
  }
}
