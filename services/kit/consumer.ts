import type { Decoder } from '@walpost/schemas/codec';
import type { EventName } from '@walpost/schemas/contract';
import {
  type Batch,
  type EachBatchPayload,
  Kafka,
  type KafkaMessage,
  type logCreator,
  logLevel,
} from 'kafkajs';
import type { Db } from './database.js';
import { type Handlers, handleBatch } from './handle-batch.js';
import type { Logger } from './logger.js';
import { receive } from './receive.js';
import { untilDone } from './retry.js';

export interface ConsumerOptions {
  brokers: string[];
  groupId: string;
  topics: string[];
  decoder: Decoder;
  db: Db;
  handlers: Handlers;
  /** Types on these topics that this service knows and has nothing to do for. Any other type is an error. */
  ignores: EventName[];
  logger: Logger;
  /** Called when the client has given up for good; the process should end. */
  onFatal: (error: Error) => void;
  /** Called after each commit, e.g. to wake a worker. */
  onHandled?: () => void;
  /** The most events in one transaction; 500 when not given. */
  batchSize?: number;
  /** How many partitions are worked on side by side; 3 when not given. */
  concurrency?: number;
}

export interface RunningConsumer {
  /** Throws the reason when events are not being handled. */
  ready(): void;
  /** Finishes the batches under way, commits their offsets and leaves the group. */
  close(): Promise<void>;
}

/** A member that died is noticed after this long, ms; a rebalance then gives its partitions to others. */
const SESSION_TIMEOUT = 10_000;
const HEARTBEAT_EVERY = 2_000;

/**
 * Consumes topics as a member of a group. For each batch: decode, then inbox and effects in one transaction, and only
 * after its commit the offset. A process that dies in between gets the batch again, and the inbox drops what was done.
 *
 * Kafka may be away, and the topics may not exist yet: the consumer waits and says so. A batch that cannot be handled
 * holds its partition, is tried again for ever, and makes `ready` throw.
 */
export function startConsumer(options: ConsumerOptions): RunningConsumer {
  const { groupId, topics, logger } = options;
  const stopping = new AbortController();
  const held = new Map<string, string>();
  let joined = false;

  const kafka = new Kafka({
    clientId: groupId,
    brokers: options.brokers,
    logLevel: logLevel.WARN,
    logCreator: toPino(logger),
    retry: { initialRetryTime: 200, maxRetryTime: 5_000, retries: 5 },
  });
  const consumer = kafka.consumer({
    groupId,
    sessionTimeout: SESSION_TIMEOUT,
    heartbeatInterval: HEARTBEAT_EVERY,
    maxWaitTimeInMs: 100,
  });
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    joined = true;
    held.clear();
    logger.info({ assignment: payload.memberAssignment }, 'joined the group');
  });
  consumer.on(consumer.events.REBALANCING, () => logger.info('the group rebalances'));
  consumer.on(consumer.events.CRASH, ({ payload: { error, restart } }) => {
    joined = false;
    if (!restart) options.onFatal(error);
  });

  async function eachBatch({
    batch,
    heartbeat,
    isRunning,
    isStale,
    resolveOffset,
  }: EachBatchPayload): Promise<void> {
    for (const messages of chunks(batch.messages, options.batchSize ?? 500)) {
      if (!isRunning() || isStale()) return;
      const done = await withHeartbeats(heartbeat, () => handleUntilDone(batch, messages));
      if (!done) return;
      const last = messages.at(-1)?.offset ?? batch.lastOffset();
      resolveOffset(last);
      await consumer.commitOffsets([
        { topic: batch.topic, partition: batch.partition, offset: (BigInt(last) + 1n).toString() },
      ]);
      await heartbeat();
    }
  }

  /** @returns false when the service stops before the messages could be handled */
  async function handleUntilDone({ topic, partition }: Batch, messages: KafkaMessage[]): Promise<boolean> {
    const place = `${topic}/${partition}`;
    const handled = await untilDone(
      async () => {
        const events = await Promise.all(
          messages.map((each) => receive(options.decoder, topic, partition, each)),
        );
        return handleBatch(options.db, options.handlers, options.ignores, events);
      },
      stopping.signal,
      (error, attempt) => {
        const reason = error instanceof Error ? error.message : String(error);
        held.set(place, reason);
        const { offset: from } = messages[0] ?? {};
        logger.error({ err: error, topic, partition, from, attempt }, `the partition is held: ${reason}`);
      },
    );
    held.delete(place);
    if (handled?.length) options.onHandled?.();
    return handled !== undefined;
  }

  const running = (async () => {
    const begun = await untilDone(
      async () => {
        await consumer.connect();
        await consumer.subscribe({ topics, fromBeginning: true });
        return true;
      },
      stopping.signal,
      (error) => logger.warn({ err: error }, `waiting for Kafka and the topics ${topics.join(', ')}`),
    );
    if (!begun) return;
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: options.concurrency ?? 3,
      eachBatch,
    });
  })().catch(options.onFatal);

  return {
    ready() {
      if (!joined) throw new Error(`not in the group ${groupId}: Kafka is away, or its topics are missing`);
      for (const [place, reason] of held) throw new Error(`${place} is held: ${reason}`);
    },
    async close() {
      stopping.abort();
      await running;
      await consumer.disconnect();
    },
  };
}

function* chunks<T>(items: T[], size: number): Generator<T[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size);
}

/** Keeps the group membership alive while a slow database or a retry takes longer than the session. */
async function withHeartbeats<T>(heartbeat: () => Promise<void>, work: () => Promise<T>): Promise<T> {
  // A failed heartbeat means that the group rebalances. The work goes on: the next heartbeat, after it, tells kafkajs.
  const timer = setInterval(() => void heartbeat().catch(() => undefined), HEARTBEAT_EVERY);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}

/** Hands kafkajs's log lines to pino. Its own "retrying" errors are warnings here: they are no failure yet. */
function toPino(logger: Logger): logCreator {
  return () =>
    ({ level, namespace, log }) => {
      const { message, timestamp: _timestamp, logger: _logger, ...details } = log;
      const line = `${namespace}: ${message}`;
      if (level === logLevel.ERROR && !('retryCount' in log)) logger.error(details, line);
      else logger.warn(details, line);
    };
}
