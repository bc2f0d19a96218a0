import { isLeaderless } from '@walpost/kit/kafka/bear-leaderless';
import type { Admin } from '@walpost/kit/kafka/kafkajs';

export interface TopicView {
  readonly name: string;
  /** Offsets as text: they are 64 bits wide. */
  readonly partitions: readonly { readonly partition: number; readonly low: string; readonly high: string }[];
}

/**
 * First and next offset of every partition; of a topic that has one without a leader they are not known.
 *
 * @throws the client's error, also when a topic is not there
 */
export function readTopics(admin: Admin, names: readonly string[]): Promise<TopicView[]> {
  return Promise.all(
    names.map(async (name) => ({
      name,
      partitions: (await admin.fetchTopicOffsets(name).catch(noneIfLeaderless))
        .map(({ partition, low, high }) => ({ partition, low, high }))
        .sort((a, b) => a.partition - b.partition),
    })),
  );
}

function noneIfLeaderless(error: unknown): [] {
  if (isLeaderless(error)) return [];
  throw error;
}
