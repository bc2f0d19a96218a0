import { isLeaderless } from '@walpost/kit/kafka/bear-leaderless';
import { type Admin, decodeAssignment } from '@walpost/kit/kafka/kafkajs';
import {
  type GroupMember,
  type ListedGroup,
  type OpenTransaction,
  whenReady,
} from '@walpost/kit/kafka/requests';
import { messageOf } from '@walpost/kit/telemetry/describe-error';
import { findUnreadable, type Unreadable } from './open-transactions.ts';
import { probeLag, type Unread } from './probe-lag.ts';
import { type KafkaClients, openReader, type Place, placeKey } from './topic-reader.ts';

/** How far a group is in one partition. Offsets are text: they are 64 bits wide. */
export interface PartitionProgress {
  readonly topic: string;
  readonly partition: number;
  /** Null when the group has committed nothing here. */
  readonly committed: string | null;
  /** Null when the topic is gone, or when there is a problem. */
  readonly end: string | null;
  /** Why how far the topic reaches is not known: a partition of it has no leader. */
  readonly problem: string | null;
  /** Offsets that are unread, as Kafka's own tools count them; 0 when only transaction markers are left. */
  readonly lag: number | null;
  /** Of the unread, those that retention has removed: nobody can read them any more. */
  readonly expired: number;
  /** When the oldest unread record was written, ms; null when there is none, or it could not be read in time. */
  readonly oldestUnread: number | null;
  /** The first transaction that is open there: nobody reads on from its first record before it ends. */
  readonly openTransaction: OpenTransaction | null;
  readonly memberId: string | null;
  readonly host: string | null;
}

export interface GroupProgress {
  readonly group: string;
  /** `classic`, `consumer` (KIP-848), `share` …; `classic` when there is no such group. */
  readonly type: string;
  /** As Kafka says: `Stable`, `Empty` …, `Dead` when it has no such group. */
  readonly state: string;
  /** Null for a type that has members of another kind. */
  readonly members: number | null;
  readonly partitions: readonly PartitionProgress[];
}

/** How long reading the oldest unread records may take, s. An open transaction can hold them back for longer. */
const PROBE_SECONDS = 5;

/** Finds the first unread record of places; see `probeLag`. */
export type LagProbe = (places: readonly Place[]) => Promise<ReadonlyMap<string, Unread>>;

/** Probes by a reader that lives for this one look. */
export function probeLagOnce(kafka: KafkaClients): LagProbe {
  return async (places) => {
    if (places.length === 0) return new Map();
    const reader = await openReader(kafka, [...new Set(places.map(({ topic }) => topic))]);
    try {
      return await probeLag(reader, places, PROBE_SECONDS);
    } finally {
      await reader.close();
    }
  };
}

/**
 * Progress of a group over the topics that it has committed in or is assigned, read as it is now.
 * @param listed the groups that there are; asked for when not given
 */
export async function describeGroup(
  clients: KafkaClients,
  group: string,
  probe: LagProbe,
  listed?: Promise<readonly ListedGroup[]>,
): Promise<GroupProgress> {
  const { admin } = clients;
  const found = await lookUpGroup(clients, group, listed);
  const committed = await committedOffsets(admin, group);
  const owners = ownersOf(found);
  const known = new Set(await admin.listTopics());
  const named = [...committed.keys(), ...owners.keys()].map(topicOf);
  const progress: PartitionProgress[] = [];
  const places: Place[] = [];
  for (const topic of [...new Set(named)].sort()) {
    const remembered = rememberedOffsets(topic, [...committed.keys(), ...owners.keys()]);
    const { ends, readable, problem } = known.has(topic)
      ? await readEnds(clients, topic, remembered)
      : { ends: remembered };
    for (const { partition, high, low } of ends.sort((a, b) => a.partition - b.partition)) {
      const key = placeKey(topic, partition);
      const owner = owners.get(key);
      const offset = committed.get(key) ?? null;
      // Our consumers begin at the first record that there is.
      const at = offset === null ? BigInt(low ?? 0) : BigInt(offset);
      const from = low !== null && at < BigInt(low) ? BigInt(low) : at;
      const readableEnd = high === null ? null : BigInt(high);
      const end = readable?.highs.get(partition) ?? readableEnd;
      if (readableEnd !== null && readableEnd > from)
        places.push({ topic, partition, from, end: readableEnd });
      progress.push({
        topic,
        partition,
        committed: offset,
        end: end?.toString() ?? null,
        problem: problem ?? null,
        lag: end === null ? null : Math.max(0, Number(end - from)),
        expired: Number(from - at),
        oldestUnread: null,
        openTransaction: readable?.open.get(partition) ?? null,
        memberId: owner?.memberId ?? null,
        host: owner?.clientHost.replace(/^\//, '') ?? null,
      });
    }
  }
  const unread = await probe(places);
  return {
    group,
    type: found?.type ?? 'classic',
    state: found?.state ?? 'Dead',
    members: found ? (found.members?.length ?? null) : 0,
    partitions: progress.map((each) => withUnread(each, unread.get(placeKey(each.topic, each.partition)))),
  };
}

function withUnread(progress: PartitionProgress, unread: Unread | undefined): PartitionProgress {
  if (unread === undefined) return progress;
  if (unread !== 'nothing') return { ...progress, oldestUnread: unread.timestamp };
  // What an open transaction has written so far counts: nobody knows yet that it is nothing.
  return progress.openTransaction ? progress : { ...progress, lag: 0 };
}

/** A group of any protocol. */
export interface GroupState {
  readonly type: string;
  readonly state: string;
  /** Null for a type that has members of another kind. */
  readonly members: readonly GroupMember[] | null;
}

/** What Kafka says of a group, undefined when it knows none of this name. */
export async function lookUpGroup(
  { admin, requests }: Pick<KafkaClients, 'admin' | 'requests'>,
  group: string,
  listed: Promise<readonly ListedGroup[]> = requests.listGroups(),
): Promise<GroupState | undefined> {
  const found = (await listed).find((each) => each.group === group && each.state !== 'Dead');
  if (!found) return undefined;
  const { type, state } = found;
  if (type === 'consumer') return { type, state, members: await requests.membersOf(group) };
  if (type !== 'classic') return { type, state, members: null };
  const { groups } = await admin.describeGroups([group]);
  const described = groups.find((each) => each.groupId === group);
  // Groups of another kind, like the workers of Kafka Connect, share no partitions.
  const isConsumer = described?.protocolType === 'consumer';
  const members = (described?.members ?? []).map(({ memberId, clientHost, memberAssignment }) => ({
    memberId,
    clientHost,
    assignment: isConsumer ? decodeAssignment(memberAssignment) : [],
  }));
  return { type, state: described?.state ?? state, members };
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

/** What a group has committed; kafkajs repeats other requests by itself, and not this one. */
export function fetchOffsets(admin: Admin, groupId: string, topics?: string[]): Promise<GroupOffsets> {
  return whenReady(() => admin.fetchOffsets({ groupId, ...(topics && { topics }) }));
}

type GroupOffsets = Awaited<ReturnType<Admin['fetchOffsets']>>;

/** Members by `topic/partition`. */
function ownersOf(found: GroupState | undefined): Map<string, GroupMember> {
  const owners = new Map<string, GroupMember>();
  for (const member of found?.members ?? []) {
    for (const { topic, partitions } of member.assignment)
      for (const partition of partitions) owners.set(placeKey(topic, partition), member);
  }
  return owners;
}

interface Ends {
  readonly ends: { partition: number; high: string | null; low: string | null }[];
  readonly readable?: Unreadable;
  readonly problem?: string;
}

/** How far a topic reaches. That is known of all its partitions or of none: each leader knows its own. */
async function readEnds(
  { admin, requests }: Pick<KafkaClients, 'admin' | 'requests'>,
  topic: string,
  remembered: Ends['ends'],
): Promise<Ends> {
  try {
    const ends = await admin.fetchTopicOffsets(topic);
    return { ends, readable: await findUnreadable(requests, topic, ends) };
  } catch (error) {
    if (!isLeaderless(error)) throw error;
    return { ends: remembered, problem: messageOf(error) };
  }
}

/** The partitions of a topic, as far as the group remembers them. */
function rememberedOffsets(topic: string, keys: readonly string[]): Ends['ends'] {
  return [...new Set(keys)]
    .filter((key) => topicOf(key) === topic)
    .map((key) => ({ partition: Number(key.slice(topic.length + 1)), high: null, low: null }));
}

function topicOf(key: string): string {
  return key.slice(0, key.lastIndexOf('/'));
}
