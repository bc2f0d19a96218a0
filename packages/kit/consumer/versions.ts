/** A key's history that is not 1, 2, 3 …: something was lost, or came out of order. */
export interface VersionOddity {
  kind: 'gap' | 'step-back';
  key: string;
  /** The version before, 0 when none is known. */
  last: number;
  version: number;
}

/**
 * Finds gaps and steps back in the versions of a batch, duplicates left out.
 *
 * A key whose inbox rows were removed after the retention looks like a gap from 0; the topic forgets sooner, so only an
 * order that sleeps for weeks can do that.
 *
 * @param last the highest version seen of each key before the batch
 */
export function oddVersions(
  last: ReadonlyMap<string, number>,
  events: Iterable<{ key: string; version: number }>,
): VersionOddity[] {
  const latest = new Map(last);
  const oddities: VersionOddity[] = [];
  for (const { key, version } of events) {
    const before = latest.get(key) ?? 0;
    if (version > before + 1) oddities.push({ kind: 'gap', key, last: before, version });
    if (version <= before) oddities.push({ kind: 'step-back', key, last: before, version });
    latest.set(key, Math.max(before, version));
  }
  return oddities;
}
