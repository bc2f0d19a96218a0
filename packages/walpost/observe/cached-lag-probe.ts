import type { LagProbe } from './describe-group.ts';
import type { Unread } from './probe-lag.ts';
import { type Place, placeKey } from './topic-reader.ts';

/**
 * Looks again only where something has moved: the oldest unread record of a group that is stalled stays what it is,
 * and where nothing was unread nothing is until the end moves.
 */
export function cachedLagProbe(probe: LagProbe): LagProbe {
  const known = new Map<string, { place: Place; unread: Unread }>();
  return async (places) => {
    const moved = places.filter((place) => {
      const before = known.get(placeKey(place.topic, place.partition));
      if (before?.place.from !== place.from) return true;
      return before.unread === 'nothing' && before.place.end !== place.end;
    });
    const found = await probe(moved);
    for (const place of moved) {
      const key = placeKey(place.topic, place.partition);
      const unread = found.get(key);
      if (unread) known.set(key, { place, unread });
      else known.delete(key);
    }
    return new Map(
      places.flatMap(({ topic, partition }) => {
        const key = placeKey(topic, partition);
        const unread = known.get(key)?.unread;
        return unread ? [[key, unread] as const] : [];
      }),
    );
  };
}
