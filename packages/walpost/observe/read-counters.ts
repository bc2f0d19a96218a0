import { type BacklogRow, readBacklog } from '@walpost/kit/service/backlog';
import { sql } from 'drizzle-orm';
import type { Observed } from './observed-service.ts';

/** Rows ever inserted, by what they are; two readings and the time between them give a rate. */
export interface Counters {
  /** Events written into the outbox; null for a service that has none. */
  readonly outbox: number | null;
  /** Events handled, by the inbox. */
  readonly inbox: number;
  readonly effects: number;
  readonly backlog: Omit<BacklogRow, 'refused'> | null;
  /** Work that was refused for good, and the command that has it tried again; null when there is none. */
  readonly refused: { readonly count: number; readonly label: string; readonly retry: string } | null;
}

/**
 * Reads the inserts that Postgres counts by itself, without touching a table. The counts follow a commit within a
 * second or so, and a restored or crashed server begins again at 0.
 */
export async function readCounters({ service, db }: Observed): Promise<Counters> {
  const { effect, retry } = service;
  const [[counted], backlog] = await Promise.all([
    db.execute<Record<'outbox' | 'inbox' | 'effects', number>>(
      sql`select outbox::float8, inbox::float8, effects::float8 from observer.counters()`,
    ),
    readBacklog(db),
  ]);
  if (!counted) throw new Error('Postgres gave no row of counters');
  const { outbox, inbox, effects } = counted;
  return {
    outbox,
    inbox,
    effects,
    backlog: backlog && { count: backlog.count, oldest: backlog.oldest },
    refused: backlog?.refused && retry ? { count: backlog.refused, label: effect, retry } : null,
  };
}
