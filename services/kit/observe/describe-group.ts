import kafkajs, { type Admin, type GroupDescription, type MemberDescription } from 'kafkajs';
import { untilDone } from '../retry.js';
import { peekUnread, type Unread } from './peek-unread.js';
import { type KafkaClients, openReader, type Place, placeKey } from './topic-reader.js';

/** How a group stands with one partition. Offsets are text: they are 64 bits wide. */
export interface PartitionProgress {
  readonly topic: string;
  readonly partition: number;
  /** Null when the group has committed nothing here. */
  readonly committed: string | null;
  /** Null when the topic is gone. */
  readonly end: string | null;
  /** Offsets that are unread, as Kafka's own tools count them; 0 when only transaction markers are left. */
  readonly lag: number | null;
  /** Of the unread, those that retention has removed: nobody can read them any more. */
  readonly expired: number;
  /** When the oldest unread record was written, ms; null when there is none, or it could not be read in time. */
  readonly oldestUnread: number | null;
  readonly memberId: string | null;
  readonly host: string | null;
}

export interface GroupProgress {
  readonly group: string;
  /** As Kafka says: `Stable`, `Empty` …, `Dead` when it has no such group. */
  readonly state: string;
  readonly members: number;
  readonly partitions: readonly PartitionProgress[];
}

/** How long reading the oldest unread records may take, s. An open transaction can hold them back for longer. */
const PEEK_SECONDS = 5;

/** Finds the first unread record of places; see `peekUnread`. */
export type Peek = (places: readonly Place[]) => Promise<ReadonlyMap<string, Unread>>;

/** Peeks by a reader that lives for this one look. */
export function peekOnce(kafka: KafkaClients): Peek {
  return async (places) => {
    if (places.length === 0) return new Map();
    const reader = await openReader(kafka, [...new Set(places.map(({ topic }) => topic))]);
    try {
      return await peekUnread(reader, places, PEEK_SECONDS);
    } finally {
      await reader.close();
    }
  };
}

/** Progress of a group over the topics that it has committed in or is assigned, read as it is now. */
export async function describeGroup(admin: Admin, group: string, peek: Peek): Promise<GroupProgress> {
  const description = await describe(admin, group);
  const committed = await committedOffsets(admin, group);
  const owners = ownersOf(description);
  const known = new Set(await admin.listTopics());
  const named = [...committed.keys(), ...owners.keys()].map(topicOf);
  const progress: PartitionProgress[] = [];
  const places: Place[] = [];
  for (const topic of [...new Set(named)].sort()) {
    const ends = known.has(topic) ? await admin.fetchTopicOffsets(topic) : goneOffsets(topic, committed);
    for (const { partition, high, low } of ends.sort((a, b) => a.partition - b.partition)) {
      const key = placeKey(topic, partition);
      const owner = owners.get(key);
      const offset = committed.get(key) ?? null;
      // Our consumers begin at the first record that there is.
      const at = offset === null ? BigInt(low ?? 0) : BigInt(offset);
      const from = low !== null && at < BigInt(low) ? BigInt(low) : at;
      const end = high === null ? null : BigInt(high);
      if (end !== null && end > from) places.push({ topic, partition, from, end });
      progress.push({
        topic,
        partition,
        committed: offset,
        end: high,
        lag: end === null ? null : Math.max(0, Number(end - from)),
        expired: Number(from - at),
        oldestUnread: null,
        memberId: owner?.memberId ?? null,
        host: owner?.clientHost.replace(/^\//, '') ?? null,
      });
    }
  }
  const unread = await peek(places);
  return {
    group,
    state: description?.state ?? 'Dead',
    members: description?.members.length ?? 0,
    partitions: progress.map((each) => withUnread(each, unread.get(placeKey(each.topic, each.partition)))),
  };
}

function withUnread(progress: PartitionProgress, unread: Unread | undefined): PartitionProgress {
  if (unread === undefined) return progress;
  return unread === 'nothing' ? { ...progress, lag: 0 } : { ...progress, oldestUnread: unread.timestamp };
}

/** What Kafka says of a group, undefined when it knows none of this name. */
export async function describe(admin: Admin, group: string): Promise<GroupDescription | undefined> {
  const { groups } = await admin.describeGroups([group]);
  return groups.find((each) => each.groupId === group && each.state !== 'Dead');
}

/** Offsets by `topic/partition`; a partition without a commit is missing. */
async function committedOffsets(admin: Admin, groupId: string): Promise<Map<string, string>> {
  const topics = await fetchOffsets(admin, groupId);
  return new Map(
    topics.flatMap(({ topic, partitions }) =>
      partitions
        .filter(({ offset }) => BigInt(offset) >= 0n)
        .map(({ partition, offset }): [string, string] => [placeKey(topic, partition), offset]),
    ),
  );
}

/** How long Kafka may answer "not now", as it does while a broker that has just started loads its groups, ms. */
const NOT_NOW = 15_000;

/** What a group has committed; kafkajs repeats other requests by itself, and not this one. */
export async function fetchOffsets(admin: Admin, groupId: string, topics?: string[]): Promise<GroupOffsets> {
  let last: unknown;
  const offsets = await untilDone(
    () => admin.fetchOffsets({ groupId, ...(topics && { topics }) }),
    AbortSignal.timeout(NOT_NOW),
    (error) => {
      if (!(error instanceof kafkajs.KafkaJSError && error.retriable)) throw error;
      last = error;
    },
  );
  if (!offsets) throw last ?? new Error(`Kafka says nothing about the offsets of ${groupId}`);
  return offsets;
}

type GroupOffsets = Awaited<ReturnType<Admin['fetchOffsets']>>;

/** Members by `topic/partition`. */
function ownersOf(description: GroupDescription | undefined): Map<string, MemberDescription> {
  const owners = new Map<string, MemberDescription>();
  // Groups of another kind, like the workers of Kafka Connect, share no partitions.
  if (description?.protocolType !== 'consumer') return owners;
  for (const member of description.members) {
    // Empty while the group rebalances.
    if (member.memberAssignment.length === 0) continue;
    const decoded = kafkajs.AssignerProtocol.MemberAssignment.decode(member.memberAssignment);
    for (const [topic, partitions] of Object.entries(decoded?.assignment ?? {}))
      for (const partition of partitions) owners.set(placeKey(topic, partition), member);
  }
  return owners;
}

/** The partitions of a topic that was deleted, as far as the group remembers them. */
function goneOffsets(topic: string, committed: ReadonlyMap<string, string>) {
  return [...committed.keys()]
    .filter((key) => topicOf(key) === topic)
    .map((key) => ({ partition: Number(key.slice(topic.length + 1)), high: null, low: null }));
}

function topicOf(key: string): string {
  return key.slice(0, key.lastIndexOf('/'));
}
