import { reason } from '@walpost/kit/contract/errors';
import { isRefusal } from '@walpost/kit/kafka/kafkajs';
import { CliError, UsageError } from '../../cli-error.ts';
import { fetchOffsets, lookUpGroup } from '../../observe/describe-group.ts';
import type { KafkaClients } from '../../observe/topic-reader.ts';
import { INSTANT_EXAMPLE, parseInstant } from '../../options.ts';

/** Where a group is to read on from. */
export type Target =
  | { readonly to: 'earliest' | 'latest' }
  | { readonly to: 'offset'; readonly offset: bigint }
  | { readonly to: 'time'; readonly time: number };

/** A partition's offset before and after; `before` is null when the group has committed nothing. */
export interface OffsetMove {
  readonly partition: number;
  readonly before: string | null;
  readonly after: string;
}

/**
 * Reads `--to`: `earliest`, `latest`, `offset N` or `time ISO`.
 * @throws UsageError saying what is allowed
 */
export function parseTarget(words: readonly string[]): Target {
  const [to, value, ...rest] = words;
  if ((to === 'earliest' || to === 'latest') && value === undefined) return { to };
  if (to === 'offset' && value !== undefined && /^\d{1,18}$/.test(value) && rest.length === 0)
    return { to, offset: BigInt(value) };
  if (to === 'time' && value !== undefined && rest.length === 0) {
    const time = parseInstant(value);
    if (time) return { to, time: time.getTime() };
  }
  throw new UsageError(
    `--to: "${words.join(' ')}" is none of: earliest, latest, offset N, time ${INSTANT_EXAMPLE} (with its zone)`,
  );
}

/**
 * What a reset would do, by partition.
 * @param partition all partitions of the topic when undefined
 * @param reads topics that the group is known to read, whether it has begun or not
 * @throws CliError when members are active, the group does not read the topic, or topic, partition or offset do not exist
 */
export async function planReset(
  clients: KafkaClients,
  groupId: string,
  topic: string,
  partition: number | undefined,
  target: Target,
  reads: readonly string[],
): Promise<OffsetMove[]> {
  const { admin } = clients;
  await refuseActive(clients, groupId);
  if (!(await admin.listTopics()).includes(topic)) throw new CliError(`Kafka has no topic ${topic}`);
  const all = await admin.fetchTopicOffsets(topic);
  const wanted = all.filter((each) => partition === undefined || each.partition === partition);
  if (wanted.length === 0)
    throw new CliError(`${topic} has no partition ${partition}; it has 0 to ${all.length - 1}`);
  const committed = await fetchOffsets(admin, groupId);
  const read = new Set([...reads, ...committed.filter(hasOffset).map((each) => each.topic)]);
  if (!read.has(topic)) {
    const list = [...read].sort().join(', ') || 'no topic yet';
    throw new CliError(`group ${groupId} does not read ${topic}; it reads ${list}`);
  }
  const group = committed.find((each) => each.topic === topic);
  const before = new Map(group?.partitions.map((each) => [each.partition, each.offset]));
  const byTime = target.to === 'time' ? await admin.fetchTopicOffsetsByTimestamp(topic, target.time) : [];
  const timed = new Map(byTime.map((each) => [each.partition, each.offset]));
  return wanted
    .sort((a, b) => a.partition - b.partition)
    .map(({ partition: number, low, high }) => {
      const offset = before.get(number) ?? '-1';
      const after = afterReset(target, { place: `${topic}/${number}`, low, high, timed: timed.get(number) });
      return { partition: number, before: BigInt(offset) < 0n ? null : offset, after };
    });
}

/**
 * Does what was planned.
 * @throws CliError when a member has joined since, or Kafka has kept other offsets
 */
export async function applyReset(
  clients: KafkaClients,
  groupId: string,
  topic: string,
  moves: readonly OffsetMove[],
): Promise<void> {
  const changed = moves.filter(({ before, after }) => before !== after);
  if (changed.length === 0) return;
  await refuseActive(clients, groupId);
  const offsets = changed.map(({ partition, after }) => ({ partition, offset: after }));
  try {
    // Kafka itself refuses while there is a member, even one that has joined since.
    await clients.requests.commit(groupId, topic, offsets);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    throw new CliError(
      `group ${groupId} was not changed, Kafka refused: ${reason(error)}; has a member joined?`,
      { cause: error },
    );
  }
  const [group] = await fetchOffsets(clients.admin, groupId, [topic]);
  const kept = new Map(group?.partitions.map((each) => [each.partition, each.offset]));
  const wrong = changed.filter(({ partition, after }) => kept.get(partition) !== after);
  if (wrong.length > 0) {
    const list = wrong.map(({ partition }) => `${topic}/${partition} is at ${kept.get(partition)}`);
    throw new CliError(`group ${groupId} was not set everywhere: ${list.join(', ')}; has a member joined?`);
  }
}

/** Safe is only what is known to be: a group of classic members or of the new protocol that has none. */
async function refuseActive(clients: KafkaClients, groupId: string): Promise<void> {
  const found = await lookUpGroup(clients, groupId);
  if (!found) return;
  const { type, state, members } = found;
  if (members === null)
    throw new CliError(
      `group ${groupId} is of the type ${type} (${state}): its offsets are kept in another way`,
    );
  if (state === 'Empty' && members.length === 0) return;
  throw new CliError(
    `group ${groupId} is active (${state}, members: ${members.length}): stop all its processes first; one that was killed counts for some seconds more`,
  );
}

function hasOffset({ partitions }: { partitions: readonly { offset: string }[] }): boolean {
  return partitions.some(({ offset }) => BigInt(offset) >= 0n);
}

function afterReset(
  target: Target,
  { place, low, high, timed }: { place: string; low: string; high: string; timed: string | undefined },
): string {
  switch (target.to) {
    case 'earliest':
      return low;
    case 'latest':
      return high;
    case 'time':
      // Nothing as young as that: the end.
      return timed ?? high;
    case 'offset':
      if (target.offset < BigInt(low) || target.offset > BigInt(high))
        throw new CliError(`offset ${target.offset} is outside of ${place}, which has ${low} to ${high}`);
      return target.offset.toString();
  }
}
