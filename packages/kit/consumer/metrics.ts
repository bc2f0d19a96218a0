import { Counter, Histogram } from 'prom-client';
import type { Db } from '../postgres/database.ts';
import { gauge, onScrape, registry, secondsSince } from '../telemetry/metrics.ts';
import { countDeadLetters } from './count-dead-letters.ts';
import type { BatchResult } from './handle-batch.ts';
import type { SequenceAnomaly } from './sequence-anomalies.ts';

const registers = [registry];
const place = ['topic', 'partition'] as const;

/** From a few milliseconds, the relay's best, to the minutes of an outage. */
const DELIVERY = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800];

const events = new Counter({
  name: 'walpost_consumer_events_total',
  help: 'Events that were read, by what became of them: handled, duplicate (dropped by the inbox), dead or parked.',
  labelNames: [...place, 'outcome'],
  registers,
});

const retries = new Counter({
  name: 'walpost_consumer_retries_total',
  help: 'Times that a partition was paused and tried again, by why: pause (database or registry away), rerun (contention) or retry (bounded tries).',
  labelNames: [...place, 'reason'],
  registers,
});

const anomalies = new Counter({
  name: 'walpost_consumer_sequence_anomalies_total',
  help: 'Events whose version does not follow the one before of its key: gap (something is missing) or regression.',
  labelNames: [...place, 'kind'],
  registers,
});

const batchSize = new Histogram({
  name: 'walpost_consumer_batch_size',
  help: 'Events that were handled together.',
  labelNames: place,
  buckets: [1, 2, 5, 10, 25, 50, 100, 250, 500],
  registers,
});

const handling = new Histogram({
  name: 'walpost_consumer_handling_duration_seconds',
  help: 'Time from a decoded batch to its commit, retries of parts of it included.',
  labelNames: place,
  buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  registers,
});

const delivery = new Histogram({
  name: 'walpost_event_delivery_duration_seconds',
  help: 'End to end: from the moment an event was written into its outbox to the commit of its effects here.',
  labelNames: ['topic'],
  buckets: DELIVERY,
  registers,
});

const deadLetters = gauge(
  'walpost_dead_letters',
  'Open dead letters: dead, and parked behind one.',
  'database',
  'state',
);
const blockedKeys = gauge(
  'walpost_blocked_keys',
  'Keys whose later events wait behind a dead letter.',
  'database',
);
const oldestDeadLetter = gauge(
  'walpost_dead_letter_oldest_seconds',
  'Age of the oldest open dead letter; 0 when there is none.',
  'database',
);

const KINDS: readonly SequenceAnomaly['kind'][] = ['gap', 'regression'];

/** Where a batch comes from. */
export interface BatchPlace {
  topic: string;
  partition: number;
}

/**
 * Begins the counters that alerts ask about at 0, for a partition that this process is to read: of a counter that
 * appears at 1, Prometheus sees no increase.
 */
export function beginCounting({ topic, partition }: BatchPlace): void {
  for (const kind of KINDS) anomalies.inc({ topic, partition, kind }, 0);
}

/** Notes what became of records, after their commit. */
export function countResult({ topic, partition }: BatchPlace, result: BatchResult, now: number): void {
  const count = (outcome: string, number: number) => {
    if (number > 0) events.inc({ topic, partition, outcome }, number);
  };
  count('handled', result.handled.length);
  count('duplicate', result.duplicates);
  for (const { state } of result.deadLetters) count(state, 1);
  for (const { kind } of result.anomalies) anomalies.inc({ topic, partition, kind });
  const latency = delivery.labels({ topic });
  // A clock that is behind the writer's must not make a negative time.
  for (const { writtenAt } of result.handled)
    if (writtenAt !== undefined) latency.observe(Math.max(0, now - writtenAt) / 1000);
}

/** Notes a batch and how long it took, ms, whether it was handled to its end or not. */
export function countBatch({ topic, partition }: BatchPlace, size: number, milliseconds: number): void {
  batchSize.observe({ topic, partition }, size);
  handling.observe({ topic, partition }, milliseconds / 1000);
}

/** Notes that a partition is paused and will be tried again. */
export function countRetry({ topic, partition }: BatchPlace, reason: 'pause' | 'rerun' | 'retry'): void {
  retries.inc({ topic, partition, reason });
}

/** Counts the open dead letters when somebody scrapes. @returns stops it */
export function exposeDeadLetters(db: Db, database: string): () => void {
  return onScrape(
    `database ${database}`,
    () => countDeadLetters(db),
    (open) => {
      for (const each of [deadLetters, blockedKeys, oldestDeadLetter]) each.reset();
      if (!open) return;
      deadLetters.set({ database, state: 'dead' }, open.dead);
      deadLetters.set({ database, state: 'parked' }, open.parked);
      blockedKeys.set({ database }, open.keys);
      oldestDeadLetter.set({ database }, secondsSince(open.oldest));
    },
  );
}
