import { Gauge } from 'prom-client';
import type { Db } from '../database.js';
import { readBacklog } from '../observe/read-counters.js';
import { countLetters } from '../observe/read-letters.js';
import { onScrape, registry } from './registry.js';

/** Instances of a service tell the same of their database: `max by (database)` counts it once. */
const gauge = (name: string, help: string, ...labelNames: string[]) =>
  new Gauge({ name, help, labelNames: ['database', ...labelNames], registers: [registry] });

const letters = gauge('walpost_dead_letters', 'Open dead letters: dead, and parked behind one.', 'state');
const blockedKeys = gauge(
  'walpost_blocked_keys',
  'Keys (orders) whose later events wait behind a dead letter.',
);
const oldestLetter = gauge(
  'walpost_dead_letter_oldest_seconds',
  'Age of the oldest open dead letter; 0 when there is none.',
);
const waiting = gauge('walpost_work_waiting', 'Work that waits to be done outside the database.', 'work');
const refused = gauge(
  'walpost_work_refused',
  'Work that was refused outside the database for good, and waits for a person.',
  'work',
);
const oldestWaiting = gauge(
  'walpost_work_oldest_seconds',
  'Age of the oldest work that waits; 0 when none does.',
  'work',
);

/**
 * Reads what a service's database has to tell when somebody scrapes.
 *
 * @param work what its backlog is of, e.g. `emails`: the value of the label `work`
 * @returns stops it
 */
export function exposeTables(db: Db, database: string, work?: string): () => void {
  return onScrape(
    `database ${database}`,
    async () => {
      const [open, backlog] = await Promise.all([countLetters(db), work ? readBacklog(db) : null]);
      return { open, backlog };
    },
    (read) => {
      for (const each of [letters, blockedKeys, oldestLetter, waiting, refused, oldestWaiting]) each.reset();
      if (!read) return;
      letters.set({ database, state: 'dead' }, read.open.dead);
      letters.set({ database, state: 'parked' }, read.open.parked);
      blockedKeys.set({ database }, read.open.keys);
      oldestLetter.set({ database }, secondsSince(read.open.oldest));
      if (!work || !read.backlog) return;
      waiting.set({ database, work }, read.backlog.count);
      refused.set({ database, work }, read.backlog.refused);
      oldestWaiting.set({ database, work }, secondsSince(read.backlog.oldest));
    },
  );
}

/** Age in seconds of an instant in ms, 0 for none. */
export function secondsSince(at: number | null): number {
  return at === null ? 0 : Math.max(0, Date.now() - at) / 1000;
}
