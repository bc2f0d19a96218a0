import { sql } from 'drizzle-orm';
import { Counter } from 'prom-client';
import type { Db } from '../postgres/database.ts';
import { milliseconds } from '../postgres/rows.ts';
import { gauge, onScrape, registry, secondsSince } from '../telemetry/metrics.ts';
import { readSlots, type Slot } from './read-slots.ts';

const written = new Counter({
  name: 'walpost_outbox_events_total',
  help: 'Events inserted into the outbox by this process, by type.',
  labelNames: ['type'],
  registers: [registry],
});

const oldestPending = gauge(
  'walpost_outbox_oldest_pending_seconds',
  'Age of the oldest outbox row that the slot has not confirmed, to about 10 s; 0 when there is none.',
  'slot',
);
const partitions = gauge(
  'walpost_outbox_partitions',
  'Partitions of the outbox, by when their day is: past (today included) or ahead.',
  'database',
  'day',
);
const active = gauge('walpost_slot_active', '1 while somebody reads the replication slot.', 'slot');
const walStatus = gauge(
  'walpost_slot_wal_status',
  "1 for what the slot's wal_status is: reserved, extended, unreserved, lost, or missing when there is no such slot.",
  'slot',
  'status',
);
const retainedWal = gauge(
  'walpost_slot_retained_wal_bytes',
  'Write-ahead log that the server retains for the slot.',
  'slot',
);
const lag = gauge('walpost_slot_lag_bytes', 'Write-ahead log that the slot has not confirmed.', 'slot');
const safe = gauge(
  'walpost_slot_safe_bytes',
  'Write-ahead log that may still be written before the slot is lost; missing when there is no limit.',
  'slot',
);
const all = [oldestPending, partitions, active, walStatus, retainedWal, lag, safe];

const STATUSES = ['reserved', 'extended', 'unreserved', 'lost', 'missing'] as const;

/** Counts events whose insert into the outbox the database has accepted. A roll-back after that is not taken back. */
export function countWritten(type: string, count = 1): void {
  // Without the namespace, as everybody calls it.
  written.inc({ type: type.slice(type.lastIndexOf('.') + 1) }, count);
}

/** Reads the outbox and its slots when somebody scrapes. @returns stops it */
export function exposeOutbox(db: Db, database: string): () => void {
  return onScrape(
    `outbox ${database}`,
    async () => {
      const [pending, slots, counts] = await Promise.all([
        readPending(db),
        readSlots(db),
        countPartitions(db),
      ]);
      return { pending, slots, counts };
    },
    (read) => {
      for (const each of all) each.reset();
      if (!read) return;
      for (const { slot, oldest } of read.pending) {
        oldestPending.set({ slot }, secondsSince(oldest));
        showSlot(
          slot,
          read.slots.find(({ name }) => name === slot),
        );
      }
      partitions.set({ database, day: 'past' }, read.counts.past);
      partitions.set({ database, day: 'ahead' }, read.counts.ahead);
    },
  );
}

function showSlot(slot: string, found: Slot | undefined): void {
  const current = found ? found.walStatus : 'missing';
  for (const status of STATUSES) walStatus.set({ slot, status }, status === current ? 1 : 0);
  active.set({ slot }, found?.active ? 1 : 0);
  if (!found) return;
  // A slot that is lost retains nothing.
  retainedWal.set({ slot }, found.retainedWalBytes ?? 0);
  if (found.lagBytes !== null) lag.set({ slot }, found.lagBytes);
  if (found.safeBytes !== null) safe.set({ slot }, found.safeBytes);
}

/** The slots that this database's events need, with the time of the oldest row that waits for each, ms. */
async function readPending(db: Db): Promise<{ slot: string; oldest: number | null }[]> {
  const rows = await db.execute<{ slot: string; oldest: number | null }>(
    sql`select slot, ${milliseconds('oldest')} as oldest from observer.unconfirmed()`,
  );
  return rows.map(({ slot, oldest }) => ({ slot, oldest }));
}

async function countPartitions(db: Db): Promise<{ past: number; ahead: number }> {
  const [row] = await db.execute<{ past: number; ahead: number }>(sql`
    select count(*) filter (where day <= today)::int as past, count(*) filter (where day > today)::int as ahead
    from observer.outbox_partitions(), (select (now() at time zone 'UTC')::date as today) as day_of_the_server`);
  if (!row) throw new Error('Postgres gave no row for an aggregate');
  return row;
}
