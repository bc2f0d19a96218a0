import type { Place } from './measurement.ts';

/** Does something, and then releases what was opened for it, the last one first, also when it has failed. */
export async function withReleases<T>(work: (defer: Place['defer']) => Promise<T>): Promise<T> {
  const releases: (() => unknown)[] = [];
  try {
    return await work((release) => releases.push(release));
  } finally {
    for (const release of releases.reverse()) await release();
  }
}
