/**
 * Looks for a small part of a list of faults that still fails: halves first, then smaller pieces left out, until no
 * single one can be left out (delta debugging).
 *
 * @param fails runs the lab with these faults only
 */
export async function shrink(
  numbers: readonly number[],
  fails: (numbers: readonly number[]) => Promise<boolean>,
): Promise<readonly number[]> {
  let left = numbers;
  let pieces = 2;
  while (left.length > 1) {
    const size = Math.ceil(left.length / pieces);
    const found = await firstFailing(candidates(left, size), fails);
    if (found) {
      left = found;
      pieces = Math.max(2, pieces - 1);
    } else if (size > 1) {
      pieces = Math.min(left.length, pieces * 2);
    } else {
      break;
    }
  }
  return left;
}

/** Each piece alone, then all but each piece. */
function candidates(list: readonly number[], size: number): (readonly number[])[] {
  const starts = Array.from({ length: Math.ceil(list.length / size) }, (_, at) => at * size);
  const alone = starts.map((from) => list.slice(from, from + size));
  const without = starts.map((from) => [...list.slice(0, from), ...list.slice(from + size)]);
  return starts.length > 2 ? [...alone, ...without] : alone;
}

async function firstFailing(
  lists: (readonly number[])[],
  fails: (numbers: readonly number[]) => Promise<boolean>,
): Promise<readonly number[] | undefined> {
  for (const list of lists) if (await fails(list)) return list;
  return undefined;
}
