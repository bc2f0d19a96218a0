import type { Db } from '../postgres/database.ts';
import { classify, classifyAttempt, type Verdict } from './failure.ts';
import { type BatchResult, type Handlers, handleBatch } from './handle-batch.ts';
import type { Received } from './receive.ts';

/** Why a partition is paused: nothing from this offset on was handled. */
export interface PartitionPause {
  offset: string;
  verdict: Exclude<Verdict, 'dead-letter'>;
  error: unknown;
  /** How often this has been tried. */
  attempt: number;
}

/** Counts the attempts at the event that a partition is paused at. */
export interface Attempts {
  offset: string;
  count: number;
  /** Those of them that speak against the event: a database that was away does not. */
  failures: number;
}

/** Records of one partition, in their order. */
export interface Part {
  batch: Received[];
  /** Of the partition; changed when they fail. */
  attempts: Attempts;
  /** Called for every transaction that was committed: what became of records of this part. */
  onResult: (result: BatchResult) => void;
}

/**
 * Handles records of several partitions of a topic in one transaction. When that fails, each part is handled by itself
 * and beside the others, so that a failure costs only its own partition.
 *
 * @returns for each part, undefined when all of it is done, otherwise where and why it stopped
 */
export async function processParts(
  db: Db,
  on: Handlers,
  parts: readonly Part[],
): Promise<(PartitionPause | undefined)[]> {
  const result = parts.length > 1 ? await handleTogether(db, on, parts) : undefined;
  if (!result)
    return Promise.all(
      parts.map(({ batch, attempts, onResult }) => processBatch(db, on, batch, attempts, onResult)),
    );
  for (const { batch, onResult } of parts) onResult(shareOf(result, batch));
  return parts.map(() => undefined);
}

/** @returns undefined when nothing of it was done: what was at fault shows again when each part is handled by itself */
function handleTogether(db: Db, on: Handlers, parts: readonly Part[]): Promise<BatchResult | undefined> {
  const together = parts.flatMap(({ batch }) => batch);
  return handleBatch(db, on, together).catch(() => undefined);
}

/** What became of one partition's records. A key has all of its records in one partition. */
function shareOf({ handled, deadLetters, anomalies }: BatchResult, batch: readonly Received[]): BatchResult {
  const partition = batch[0]?.position.partition;
  const keys = new Set(batch.map(({ key }) => key));
  const own = {
    handled: handled.filter(({ position }) => position.partition === partition),
    deadLetters: deadLetters.filter(({ received }) => received.position.partition === partition),
    anomalies: anomalies.filter(({ key }) => keys.has(key)),
  };
  return { ...own, duplicates: batch.length - own.handled.length - own.deadLetters.length };
}

/**
 * Handles records of one partition in their order, as many in one transaction as go. A batch that fails is halved until
 * the event at fault is alone: it is tried again later, or becomes a dead letter, and costs only itself. One that
 * only met bad times is tried again as it is.
 *
 * @param attempts of the partition; changed by this call
 * @param onResult called for every transaction that was committed
 * @returns undefined when all records are done, otherwise where and why it stopped; the ones before that are done
 */
export async function processBatch(
  db: Db,
  on: Handlers,
  batch: Received[],
  attempts: Attempts,
  onResult: (result: BatchResult) => void,
): Promise<PartitionPause | undefined> {
  const [first] = batch;
  if (!first) return undefined;
  let result: BatchResult;
  try {
    result = await handleBatch(db, on, batch);
  } catch (error) {
    const { offset } = first.position;
    const kind = classify(error);
    if (batch.length > 1 && (kind === 'retry' || kind === 'dead-letter')) {
      const middle = Math.ceil(batch.length / 2);
      return (
        (await processBatch(db, on, batch.slice(0, middle), attempts, onResult)) ??
        (await processBatch(db, on, batch.slice(middle), attempts, onResult))
      );
    }
    const attempt = countAttempt(attempts, offset, kind);
    // A record that cannot even be set aside must not be lost: its partition waits.
    const verdict = 'error' in first.result ? 'pause' : classifyAttempt(error, attempts.failures);
    if (verdict !== 'dead-letter') return { offset, verdict, error, attempt };
    const deadLetter = { ...first, result: { error, attempts: attempt } };
    return processBatch(db, on, [deadLetter], noAttempts(), onResult);
  }
  onResult(result);
  return undefined;
}

/** Before the first attempt at anything. */
export function noAttempts(): Attempts {
  return { offset: '', count: 0, failures: 0 };
}

/** Counts one more attempt at the event of this offset. @returns how many there were */
export function countAttempt(attempts: Attempts, offset: string, verdict: Verdict): number {
  const before = attempts.offset === offset ? attempts : noAttempts();
  const failures = before.failures + (verdict === 'retry' || verdict === 'dead-letter' ? 1 : 0);
  Object.assign(attempts, { offset, count: before.count + 1, failures });
  return attempts.count;
}
