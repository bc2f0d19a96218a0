import { header } from '@walpost/kit/consumer/receive';
import { partitionOf } from '@walpost/kit/kafka/kafkajs';
import type { OpenTransaction } from '@walpost/kit/kafka/requests';
import { findUnreadable } from './open-transactions.ts';
import type { TimelineRecord } from './timeline.ts';
import { type KafkaClients, type Place, placeKey, type TopicReader } from './topic-reader.ts';

/** How long looking through one topic may take, s. */
const SCAN_SECONDS = 5;
/** How far the clocks of services and relay may be apart, ms. */
const CLOCK_SLACK = 10_000;

/**
 * Finds the records of events in the partition of their key, from the time on at which the first of them was written.
 *
 * @param wanted event ids, which are the records' `ce_id`
 * @returns the records by event id; `complete` is false when time ran out before the partition's readable end; `open` is
 * the transaction that is in the way of the rest
 */
export async function findRecords(
  { admin, requests }: KafkaClients,
  reader: TopicReader,
  search: { topic: string; key: string; since: number; wanted: readonly string[] },
): Promise<{ found: Map<string, TimelineRecord>; complete: boolean; open: OpenTransaction | null }> {
  const { topic, key, since } = search;
  const [ends, starts] = await Promise.all([
    admin.fetchTopicOffsets(topic),
    admin.fetchTopicOffsetsByTimestamp(topic, since - CLOCK_SLACK),
  ]);
  const partition = partitionOf(topic, key, ends.length);
  const own = ends.filter((each) => each.partition === partition);
  const end = BigInt(own[0]?.high ?? 0);
  const open = (await findUnreadable(requests, topic, own)).open.get(partition) ?? null;
  const start = BigInt(starts.find((each) => each.partition === partition)?.offset ?? 0);
  const wanted = new Set(search.wanted);
  const found = new Map<string, TimelineRecord>();
  // Kafka says -1 where no record is that young.
  if (start < 0n || start >= end) return { found, complete: true, open };

  const place: Place = { topic, partition, from: start, end };
  const done = await reader.scan(
    [place],
    (_place, { headers, offset, timestamp }) => {
      const id = header(headers, 'id');
      // A record that was sent again keeps its first place here.
      if (wanted.delete(id)) found.set(id, { partition, offset, at: Number(timestamp) });
      return wanted.size === 0;
    },
    SCAN_SECONDS,
  );
  return { found, complete: done.has(placeKey(topic, partition)), open };
}
