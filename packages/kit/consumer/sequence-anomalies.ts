/** A key's history that is not 1, 2, 3 …: something was lost, or came out of order. */
export interface SequenceAnomaly {
  kind: 'gap' | 'regression';
  key: string;
  /** The version before, 0 when none is known. */
  last: number;
  version: number;
}

/**
 * Finds gaps and regressions in the versions of a batch, duplicates left out.
 *
 * A key whose inbox rows were removed after the retention looks like a gap from 0; the topic forgets sooner, so only a
 * key that sleeps for weeks can do that.
 *
 * @param last the highest version seen of each key before the batch
 */
export function sequenceAnomalies(
  last: ReadonlyMap<string, number>,
  events: Iterable<{ key: string; version: number }>,
): SequenceAnomaly[] {
  const latest = new Map(last);
  const anomalies: SequenceAnomaly[] = [];
  for (const { key, version } of events) {
    const before = latest.get(key) ?? 0;
    if (version > before + 1) anomalies.push({ kind: 'gap', key, last: before, version });
    if (version <= before) anomalies.push({ kind: 'regression', key, last: before, version });
    latest.set(key, Math.max(before, version));
  }
  return anomalies;
}
