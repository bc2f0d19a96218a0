import { type Place, placeKey, type TopicReader } from './topic-reader.ts';

/** The record's time as its producer wrote it, ms; or that there is no record, only transaction markers. */
export type Unread = { readonly timestamp: number } | 'nothing';

/**
 * Reads the first record of each place.
 *
 * @param seconds how long in all; a place that nothing is known of by then is missing in the answer
 */
export async function probeLag(
  reader: TopicReader,
  places: readonly Place[],
  seconds: number,
): Promise<Map<string, Unread>> {
  const found = new Map<string, Unread>();
  const first = ({ topic, partition }: Place, { timestamp }: { timestamp: string }) => {
    found.set(placeKey(topic, partition), { timestamp: Number(timestamp) });
    return true;
  };
  for (const key of await reader.scan(places, first, seconds)) if (!found.has(key)) found.set(key, 'nothing');
  return found;
}
