import { describe, fetchOffsets } from '@walpost/kit/observe/describe-group';
import type { KafkaClients } from '@walpost/kit/observe/topic-reader';
import type { Admin } from 'kafkajs';
import { CliError, UsageError } from './cli-error.js';
import { commitOffsets } from './commit-offsets.js';

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
    const time = Date.parse(value);
    if (/^\d{4}-\d\d-\d\d/.test(value) && Number.isFinite(time)) return { to, time };
  }
  throw new UsageError(
    `--to: "${words.join(' ')}" is none of: earliest, latest, offset N, time 2026-01-31T12:00:00Z`,
  );
}

/**
 * What a reset would do, by partition.
 * @param partition all partitions of the topic when undefined
 * @throws CliError when members are active, or group, topic, partition or offset do not exist
 */
export async function planReset(
  admin: Admin,
  groupId: string,
  topic: string,
  partition: number | undefined,
  target: Target,
): Promise<OffsetMove[]> {
  await refuseActive(admin, groupId);
  if (!(await admin.listTopics()).includes(topic)) throw new CliError(`Kafka has no topic ${topic}`);
  const all = await admin.fetchTopicOffsets(topic);
  const wanted = all.filter((each) => partition === undefined || each.partition === partition);
  if (wanted.length === 0)
    throw new CliError(`${topic} has no partition ${partition}; it has 0 to ${all.length - 1}`);
  const [group] = await fetchOffsets(admin, groupId, [topic]);
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
  { kafka, admin }: KafkaClients,
  groupId: string,
  topic: string,
  moves: readonly OffsetMove[],
): Promise<void> {
  const changed = moves.filter(({ before, after }) => before !== after);
  if (changed.length === 0) return;
  await refuseActive(admin, groupId);
  const partitions = changed.map(({ partition, after }) => ({ partition, offset: after }));
  await commitOffsets(kafka, groupId, topic, partitions);
  const [group] = await fetchOffsets(admin, groupId, [topic]);
  const kept = new Map(group?.partitions.map((each) => [each.partition, each.offset]));
  const wrong = changed.filter(({ partition, after }) => kept.get(partition) !== after);
  if (wrong.length > 0) {
    const list = wrong.map(({ partition }) => `${topic}/${partition} is at ${kept.get(partition)}`);
    throw new CliError(`group ${groupId} was not set everywhere: ${list.join(', ')}; has a member joined?`);
  }
}

async function refuseActive(admin: Admin, groupId: string): Promise<void> {
  const description = await describe(admin, groupId);
  const members = description?.members.length ?? 0;
  if (!description || (members === 0 && description.state === 'Empty')) return;
  throw new CliError(
    `group ${groupId} is active (${description.state}, members: ${members}): stop all its processes first; one that was killed counts for some seconds more`,
  );
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
