import { createHash } from 'node:crypto';
import { and, eq, sql } from 'drizzle-orm';
import { errorCode } from '../errors.ts';
import type { Tx } from '../postgres/database.ts';
import { isAnyOf } from '../postgres/is-any-of.ts';
import { type DeadLetterState, deadLetters } from '../postgres/tables.ts';
import { framesOf, messageOf } from '../telemetry/describe-error.ts';
import { type Received, storable } from './receive.ts';

/** A record that is set aside. */
export interface DeadLetter {
  received: Received;
  state: Extract<DeadLetterState, 'dead' | 'parked'>;
  /** Undefined for a parked one: nothing is wrong with it. */
  error: unknown;
  attempts: number;
}

/** The states in which a dead letter holds back the later events of its key. */
export const OPEN: DeadLetterState[] = ['dead', 'parked'];

/** Whether a dead letter holds back the later events of its key. Written as its index says it. */
export const isOpen = sql`${deadLetters.state} in ('dead', 'parked')`;

/** Writes dead letters into the dead-letter table, in the transaction that marks their events as seen. */
export async function writeDeadLetters(tx: Tx, rows: DeadLetter[]): Promise<void> {
  if (rows.length === 0) return;
  await tx.insert(deadLetters).values(rows.map(toRow)).onConflictDoNothing();
}

/**
 * The keys of a batch that have open dead letters. It locks nothing: an event that is parked while the last dead letter
 * of its key is being replayed is the first in line then, and goes on by itself.
 */
export async function openKeys(tx: Tx, batch: Received[]): Promise<Set<string>> {
  const rows = await tx
    .select({ key: deadLetters.key })
    .from(deadLetters)
    .where(and(isOpen, eq(deadLetters.topic, topicOf(batch)), isAnyOf(deadLetters.key, keysOf(batch))))
    .prepare('open_keys')
    .execute();
  return new Set(rows.flatMap(({ key }) => key ?? []));
}

/** The topic of a batch: all its records are of one. */
export function topicOf(batch: Received[]): string {
  return batch[0]?.position.topic ?? '';
}

export function keysOf(batch: Received[]): string[] {
  return [...new Set(batch.flatMap(({ key }) => key ?? []))];
}

function toRow({ received, state, error, attempts }: DeadLetter): typeof deadLetters.$inferInsert {
  const { message, position, key, id } = received;
  const { topic, partition, offset } = position;
  const place = `${topic}/${partition}/${offset}/${message.timestamp}`;
  return {
    identity: id ?? createHash('sha256').update(place).digest('hex'),
    state,
    topic,
    partition,
    offset: BigInt(offset),
    key: key ?? null,
    headers: Object.entries(message.headers ?? {}).flatMap(([name, value]) =>
      // kafkajs gives a name that comes twice a list, in which null is no value.
      [value].flat().map((each): [string, string] => [storable(name), storable(each?.toString() ?? '')]),
    ),
    value: message.value,
    recordedAt: timeOf(message.timestamp),
    ...(error !== undefined && describe(error)),
    attempts,
  };
}

/** What a dead letter keeps of an error. */
export function describe(error: unknown): {
  errorCode: string;
  errorMessage: string;
  errorStack: string | null;
} {
  const message = storable(messageOf(error));
  const frames = framesOf(error);
  return {
    errorCode: errorCode(error),
    errorMessage: message,
    errorStack: frames === undefined ? null : `${message}\n${storable(frames)}`,
  };
}

/** A producer may write any number as a record's time; Postgres's own range is kept. */
function timeOf(timestamp: string): Date {
  return new Date(Math.min(Math.max(Number(timestamp) || 0, 0), END_OF_TIME));
}

const END_OF_TIME = Date.UTC(9999, 11, 31);
