import type { Evidence } from '../evidence.ts';

/** Something that is not as promised. */
export interface Finding {
  /** What is wrong, in words. */
  readonly text: string;
  /** The order that it is about, when it is about one. */
  readonly order?: string;
}

/** One promise: its name, and what breaks it. */
export interface Check {
  readonly name: string;
  find(evidence: Evidence): Finding[];
}

/** Groups rows by a key, each group in the order of the rows. */
export function groupBy<T>(rows: readonly T[], keyOf: (row: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const row of rows) {
    const key = keyOf(row);
    const group = groups.get(key);
    if (group) group.push(row);
    else groups.set(key, [row]);
  }
  return groups;
}
