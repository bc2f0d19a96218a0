import { randomUUID } from 'node:crypto';
import {
  type Admin,
  deleteGroup,
  type EachBatchPayload,
  type Kafka,
  type KafkaMessage,
} from '@walpost/kit/kafka/kafkajs';
import type { KafkaRequests } from '@walpost/kit/kafka/requests';
import pTimeout from 'p-timeout';
import { startFetching } from './start-fetching.ts';

export interface KafkaClients {
  readonly kafka: Kafka;
  readonly admin: Admin;
  readonly requests: KafkaRequests;
}

/** A place in a topic to read on from, up to the end that was seen. */
export interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly from: bigint;
  readonly end: bigint;
}

/** Looks at one record; answers whether that was enough of its place. */
export type Visit = (place: Place, message: KafkaMessage) => boolean;

/** Reads topics here and there without being anybody's consumer. */
export interface TopicReader {
  /**
   * Reads each place until `visit` has enough of it, or to its end. Several scans wait for each other.
   *
   * @param seconds how long in all, from this call on; an open transaction can hold records back for longer
   * @returns the places that were read to the end, or enough of, by `placeKey`
   */
  scan(places: readonly Place[], visit: Visit, seconds: number): Promise<Set<string>>;
  close(): Promise<void>;
}

/** Groups that only probe begin with this; they are gone when the reader is closed. */
export const PROBE_PREFIX = 'walpost-peek-';

/** How often to ask for partitions that were added to a topic, ms. */
const TOPICS_EVERY = 5_000;

/** What a place is known by in an answer. */
export function placeKey(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}

interface Scan {
  readonly open: Map<string, Place>;
  readonly visit: Visit;
  readonly done: Set<string>;
  finish(): void;
  fail(error: Error): void;
}

/**
 * Opens a reader as a consumer sees topics (read_committed), by a group of its own that commits nothing and is deleted
 * afterwards.
 *
 * A producer's transaction ends with a marker, which has an offset and is never given to a reader: end minus committed
 * is 1 though nothing is unread. Only reading on shows it, and kafkajs says of such a batch no more than that it was
 * empty.
 *
 * @throws the client's error when Kafka is away or a topic does not exist
 */
export async function openReader(
  { kafka, admin }: Pick<KafkaClients, 'kafka' | 'admin'>,
  topics: readonly string[],
): Promise<TopicReader> {
  const groupId = `${PROBE_PREFIX}${randomUUID()}`;
  const consumer = kafka.consumer({
    groupId,
    maxWaitTimeInMs: 100,
    metadataMaxAge: TOPICS_EVERY,
    allowAutoTopicCreation: false,
  });
  let scan: Scan | undefined;
  let broken: Error | undefined;
  let last: Promise<unknown> = Promise.resolve();

  const finish = (key: string, place: Place) => {
    consumer.pause([{ topic: place.topic, partitions: [place.partition] }]);
    scan?.open.delete(key);
    scan?.done.add(key);
    if (scan?.open.size === 0) scan.finish();
  };
  const begin = ({ topic, partition, from }: Place) => {
    consumer.seek({ topic, partition, offset: from.toString() });
    consumer.resume([{ topic, partitions: [partition] }]);
  };
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    for (const [topic, partitions] of Object.entries(payload.memberAssignment))
      consumer.pause([{ topic, partitions }]);
    for (const place of scan?.open.values() ?? []) begin(place);
  });
  // kafkajs hands markers and aborted records to nobody, but reports the batch they were in.
  consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => {
    const { topic, partition, batchSize, lastOffset } = payload;
    const key = placeKey(topic, partition);
    const place = scan?.open.get(key);
    if (place && batchSize === 0 && BigInt(lastOffset) + 1n >= place.end) finish(key, place);
  });
  consumer.on(consumer.events.CRASH, ({ payload: { error, restart } }) => {
    if (restart) return;
    broken = error;
    scan?.fail(error);
  });
  const eachBatch = async ({ batch }: EachBatchPayload) => {
    const key = placeKey(batch.topic, batch.partition);
    const place = scan?.open.get(key);
    if (!scan || !place) return;
    const { visit } = scan;
    const enough = batch.messages.some(
      (message) => BigInt(message.offset) >= place.from && visit(place, message),
    );
    if (enough || BigInt(batch.lastOffset()) + 1n >= place.end) finish(key, place);
  };

  async function run(places: readonly Place[], visit: Visit, until: number): Promise<Set<string>> {
    if (broken) throw broken;
    const done = new Set<string>();
    const left = until - performance.now();
    // Whoever asked for it waits no longer.
    if (left <= 0) return done;
    try {
      const scanned = new Promise<void>((finish, fail) => {
        const open = new Map(places.map((place) => [placeKey(place.topic, place.partition), place]));
        scan = { open, visit, done, finish, fail };
        if (open.size === 0) finish();
        places.forEach(begin);
      });
      await pTimeout(scanned, { milliseconds: left, message: false });
    } finally {
      for (const { topic, partition } of scan?.open.values() ?? [])
        consumer.pause([{ topic, partitions: [partition] }]);
      scan = undefined;
    }
    return done;
  }

  const close = async () => {
    await consumer.disconnect();
    await deleteGroup(admin, groupId);
  };
  try {
    await consumer.connect();
    await consumer.subscribe({ topics: [...topics], fromBeginning: true });
    await startFetching(consumer, { eachBatch });
  } catch (error) {
    await close();
    throw error;
  }
  return {
    scan(places, visit, seconds) {
      const until = performance.now() + seconds * 1000;
      const next = last.then(() => run(places, visit, until));
      last = next.catch(() => undefined);
      return next;
    },
    close,
  };
}
