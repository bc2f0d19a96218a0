import { OPEN } from '@walpost/kit/consumer/dead-letters';
import type { Db, Tx } from '@walpost/kit/postgres/database';
import { deadLetters } from '@walpost/kit/postgres/tables';
import { and, asc, count, eq, inArray, type SQL, sql } from 'drizzle-orm';
import { CliError } from '../cli-error.ts';

export type DeadLetterRow = typeof deadLetters.$inferSelect;

/** A dead letter with what only the database knows: its age by the server's clock, and who waits behind it. */
export interface ListedDeadLetter extends DeadLetterRow {
  readonly ageSeconds: number;
  readonly parkedBehind: number;
}

export interface DeadLetterFilter {
  readonly key?: string | undefined;
  /** Closed dead letters too. */
  readonly closed: boolean;
  readonly limit: number;
}

// Written out: Drizzle leaves a table's name away where a select has only one, and then the inner table is meant.
const parkedBehind = sql<number>`(select count(*)::int from dead_letters behind
  where behind.state = 'parked' and dead_letters.state in ('dead', 'parked')
  and behind.topic = dead_letters.topic and behind.key = dead_letters.key and behind.id > dead_letters.id)`;
const ageSeconds = sql<number>`extract(epoch from now() - dead_letters.created_at)::float8`;

/** Dead letters that can still be replayed or discarded. */
export const isOpen = inArray(deadLetters.state, OPEN);

/** Dead letters in the order in which they were set aside, which is that of each key's events. */
export async function findDeadLetters(
  db: Db,
  { key, closed, limit }: DeadLetterFilter,
): Promise<{ deadLetters: ListedDeadLetter[]; total: number }> {
  const wanted = and(closed ? undefined : isOpen, key === undefined ? undefined : eq(deadLetters.key, key));
  const rows = await listed(db).where(wanted).orderBy(asc(deadLetters.id)).limit(limit);
  const [counted] = await db.select({ total: count() }).from(deadLetters).where(wanted);
  return { deadLetters: rows.map(flat), total: counted?.total ?? rows.length };
}

/** One dead letter. @throws CliError when there is none of this id */
export async function findDeadLetter(db: Db | Tx, id: number): Promise<ListedDeadLetter> {
  const [row] = await listed(db).where(eq(deadLetters.id, id));
  if (!row)
    throw new CliError(`there is no dead letter ${id}; \`walpost dead-letters list --all\` shows them`);
  return flat(row);
}

/** Open dead letters in the order in which a replay runs them. */
export async function findOpen(db: Db, which: SQL | undefined): Promise<DeadLetterRow[]> {
  return db.select().from(deadLetters).where(and(isOpen, which)).orderBy(asc(deadLetters.id));
}

function listed(db: Db | Tx) {
  return db.select({ deadLetter: deadLetters, ageSeconds, parkedBehind }).from(deadLetters).$dynamic();
}

function flat({ deadLetter, ...rest }: Awaited<ReturnType<typeof listed>>[number]): ListedDeadLetter {
  return { ...deadLetter, ...rest };
}

/** Where a dead letter's record is: `shipment-events/3@42`. */
export function recordOf({ topic, partition, offset }: DeadLetterRow): string {
  return `${topic}/${partition}@${offset}`;
}

/** A dead letter's state, and that a service was asked to replay it. */
export function stateOf({ state, replayRequestedAt }: DeadLetterRow): string {
  const asked = OPEN.includes(state) && replayRequestedAt !== null;
  return asked ? `${state}, replay requested` : state;
}
