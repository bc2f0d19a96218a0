/** More kinds of line than that at once are reported as one. */
const MAX_KINDS = 500;

/**
 * Tells lines apart that say what was said a moment ago. A database that does not answer fails every request, and a merged
 * statement all of its own: the first of a kind is written, the others are counted, and their number is written when the
 * time is over.
 *
 * @param within ms
 */
export function countRepeats(within: number) {
  const kinds = new Map<string, number>();
  /**
   * @param kind what such lines have in common
   * @param report writes how many more there were
   * @returns whether this one need not be written
   */
  return (kind: string, report: (count: number) => void): boolean => {
    const key = kinds.size < MAX_KINDS ? kind : 'others';
    const count = kinds.get(key);
    if (count !== undefined) {
      kinds.set(key, count + 1);
      return true;
    }
    kinds.set(key, 0);
    setTimeout(() => {
      const more = kinds.get(key) ?? 0;
      kinds.delete(key);
      if (more > 0) report(more);
    }, within).unref();
    return false;
  };
}
