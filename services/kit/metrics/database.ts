import { sql } from 'drizzle-orm';
import { Gauge } from 'prom-client';
import type { Db } from '../database.js';
import type { BacklogRow } from '../observe/observed-service.js';
import { MILLISECONDS } from '../observe/observed-service.js';
import { onScrape, registry } from './registry.js';

/** Work that a service still has to do by itself, e.g. e-mails to send. */
export interface Backlog {
  /** The value of the label `work`, e.g. `emails`. */
  work: string;
  /** How much waits, and since when the oldest does. */
  read(db: Db): Promise<BacklogRow>;
}

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

interface LetterCounts extends Record<string, unknown> {
  dead: number;
  parked: number;
  keys: number;
  oldest: number | null;
}

/** Reads a consumer's own tables when somebody scrapes. @returns stops it */
export function exposeTables(db: Db, database: string, backlog?: Backlog): () => void {
  return onScrape(
    `database ${database}`,
    async () => {
      const [open, work] = await Promise.all([readLetterCounts(db), backlog?.read(db)]);
      return { open, work };
    },
    (read) => {
      for (const each of [letters, blockedKeys, oldestLetter, waiting, refused, oldestWaiting]) each.reset();
      if (!read) return;
      letters.set({ database, state: 'dead' }, read.open.dead);
      letters.set({ database, state: 'parked' }, read.open.parked);
      blockedKeys.set({ database }, read.open.keys);
      oldestLetter.set({ database }, secondsSince(read.open.oldest));
      if (!backlog || !read.work) return;
      waiting.set({ database, work: backlog.work }, read.work.count);
      refused.set({ database, work: backlog.work }, read.work.refused ?? 0);
      oldestWaiting.set({ database, work: backlog.work }, secondsSince(read.work.oldest));
    },
  );
}

/** Age in seconds of an instant in ms, 0 for none. */
export function secondsSince(at: number | null): number {
  return at === null ? 0 : Math.max(0, Date.now() - at) / 1000;
}

/** By the index of open letters alone: settled ones may be many, open ones are few. */
async function readLetterCounts(db: Db): Promise<LetterCounts> {
  const [row] = await db.execute<LetterCounts>(sql`
    select count(*) filter (where state = 'dead')::int as dead,
      count(*) filter (where state = 'parked')::int as parked,
      count(distinct (topic, key))::int as keys, ${sql.raw(MILLISECONDS('min(created_at)'))} as oldest
    from dead_letters where state in ('dead', 'parked')`);
  if (!row) throw new Error('Postgres gave no row for an aggregate');
  return row;
}
