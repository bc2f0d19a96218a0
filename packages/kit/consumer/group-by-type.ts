/**
 * Collects events of one type into groups, those of a key still one after the other: an event joins the first group of its
 * type that is not before its key's latest one. That is not always the fewest groups that could be, but never more than
 * the events have runs of one type, and one for each type when no key comes twice.
 */
export function groupByType<E extends { type: string; key: string }>(events: E[]): E[][] {
  const groups: E[][] = [];
  const latest = new Map<string, number>();
  for (const event of events) {
    let at = latest.get(event.key) ?? 0;
    while (at < groups.length && groups[at]?.[0]?.type !== event.type) at++;
    const group = groups[at];
    if (group) group.push(event);
    else groups.push([event]);
    latest.set(event.key, at);
  }
  return groups;
}
