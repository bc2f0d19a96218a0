import type { TopicView } from '../../observe/read-topics.ts';

/** Offsets that are still there; a transaction's marker has one too. */
export function keptOffsets({ partitions }: TopicView): number {
  return partitions.reduce((sum, { low, high }) => sum + Number(BigInt(high) - BigInt(low)), 0);
}
