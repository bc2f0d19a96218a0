import pTimeout from 'p-timeout';
import type { Decoder } from '../contract/codec.ts';
import { damageOf } from '../kafka/codecs.ts';
import { createKafka } from '../kafka/create-kafka.ts';
import type { KafkaAccess } from '../kafka/kafka-access.ts';
import { kafkaProblem } from '../kafka/kafka-problem.ts';
import type { Batch, EachBatchPayload, KafkaMessage } from '../kafka/kafkajs.ts';
import { mergeCalls } from '../merge-calls.ts';
import type { Db } from '../postgres/database.ts';
import { backoff, pause, untilDone } from '../retry.ts';
import { messageOf } from '../telemetry/describe-error.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { BatchResult, Handlers } from './handle-batch.ts';
import { eventFields, recordFields } from './log-fields.ts';
import { type BatchPlace, beginCounting, countBatch, countResult, countRetry } from './metrics.ts';
import {
  type Attempts,
  countAttempt,
  noAttempts,
  type Part,
  type PartitionPause,
  processBatch,
  processParts,
} from './process-batch.ts';
import { receive } from './receive.ts';
import { traceBatch } from './trace-batch.ts';

export interface ConsumerOptions {
  kafka: KafkaAccess;
  groupId: string;
  topics: string[];
  on: Handlers;
  decoder: Decoder;
  db: Db;
  logger: Logger;
  /** Called after each commit, before the offsets': e.g. to wake a worker. */
  onHandled?: (result: BatchResult) => void;
  /** The most events in one transaction; 500 when not given. */
  batchSize?: number;
}

export interface RunningConsumer {
  /** Throws the reason when events are not being handled. */
  ready(): void;
  /** Finishes the batches under way, commits their offsets and leaves the group; a Kafka that is silent is left as it is. */
  close(): Promise<void>;
}

/** A member that died is noticed after this long, ms; a rebalance then gives its partitions to others. */
const SESSION_TIMEOUT = 8_000;
const HEARTBEAT_EVERY = 2_000;
/** How long the end waits for Kafka, ms: the group notices by itself that a member is gone. */
const LEAVE_WITHIN = 5_000;
/** How long the broker keeps a poll open while there is nothing to read, ms; an event ends it at once. */
const POLL_FOR = 1_000;
/** The most partitions that are worked on at once, together when that goes. */
const PARTITIONS_AT_ONCE = 12;
/** So many events of a partition are handled together with those of others; more of them fill a transaction. */
const FEW = 100;
/** A transaction that takes longer, ms, holds up only the partitions that are in it. */
const MERGE_SLOW_AFTER_MS = 500;
/** How often to ask Kafka for partitions that were added to a topic, ms: one small request each. kafkajs: 5 minutes. */
const TOPICS_EVERY = 5_000;
/** Contention that is met so often, one attempt after the other, is reported by `ready`. */
const LASTS = 3;
/**
 * About 15 s in all, ms. The client outlives the restart of a broker so; one that gave up would come back as another
 * member, and the group would wait for the old one until its session is over.
 */
const RETRY = { initialRetryTime: 200, maxRetryTime: 2_000, retries: 10 };

/**
 * Consumes topics as a member of a group. For each batch: decode, then inbox and effects in one transaction, and only
 * after its commit the offset. A process that dies in between gets the batch again, and the inbox drops what was done.
 *
 * Kafka may be away, refuse this user, or not have the topics yet: the consumer waits, says so, and never ends by itself,
 * for what else its process does need not know of Kafka. An event that cannot be handled becomes a dead letter; when its
 * database or the registry is away, its partition is paused for as long as that lasts, and `ready` throws.
 */
export function startConsumer(options: ConsumerOptions): RunningConsumer {
  const { groupId, topics, logger } = options;
  const stopping = new AbortController();
  const whyPaused = new Map<string, string>();
  const attemptsAt = new Map<string, Attempts>();
  let joined = false;
  let whyOutside = 'Kafka is away, or its topics are missing';

  const kafka = createKafka(options.kafka, { clientId: groupId, logger, retry: RETRY });
  const merged = {
    maxConcurrency: 1,
    maxBatchSize: PARTITIONS_AT_ONCE,
    slowAfterMs: MERGE_SLOW_AFTER_MS,
    // processParts has done that already, and a commit of offsets is for all of them.
    mayTryAlone: () => false,
  };
  const byTopic = new Map<string, (part: Part) => Promise<PartitionPause | undefined>>();
  /** Has a part handled with what has arrived of the topic's other partitions meanwhile. */
  function together(topic: string, part: Part): Promise<PartitionPause | undefined> {
    const work = (parts: Part[]) => processParts(options.db, options.on, parts);
    const handle = byTopic.get(topic) ?? mergeCalls({ ...merged, work });
    byTopic.set(topic, handle);
    return handle(part);
  }
  async function eachBatch(
    payload: EachBatchPayload,
    commit: (payload: EachBatchPayload) => Promise<void>,
  ): Promise<void> {
    const { batch, heartbeat, isRunning, isStale, resolveOffset } = payload;
    const place = `${batch.topic}/${batch.partition}`;
    for (const messages of chunks(batch.messages, options.batchSize ?? 500)) {
      if (!isRunning() || isStale()) return;
      const paused = await withHeartbeats(heartbeat, () => work(place, batch, messages));
      const done = paused
        ? messages.filter(({ offset }) => BigInt(offset) < BigInt(paused.offset))
        : messages;
      const last = done.at(-1);
      if (last) {
        resolveOffset(last.offset);
        await commit(payload);
      }
      if (paused) {
        countRetry(batch, paused.verdict);
        return pausePartition(place, paused, payload.pause());
      }
      await heartbeat();
    }
  }

  /** Handles messages of one partition. @returns where and why it stopped, when it could not handle them all */
  async function work(
    place: string,
    { topic, partition }: Batch,
    messages: KafkaMessage[],
  ): Promise<PartitionPause | undefined> {
    const attempts = attemptsAt.get(place) ?? noAttempts();
    attemptsAt.set(place, attempts);
    const from = { topic, partition };
    try {
      const received = await Promise.all(
        messages.map((each) => receive(options.decoder, { topic, partition, offset: each.offset }, each)),
      );
      const begun = performance.now();
      const trace = traceBatch(groupId, received);
      const onResult = (result: BatchResult) => {
        trace.recordOutcome(result);
        report(place, from, result);
      };
      // What has failed before may fail again, by itself then.
      const isAgain = attempts.offset === messages[0]?.offset;
      const paused =
        isAgain || received.length > FEW
          ? await processBatch(options.db, options.on, trace.batch, attempts, onResult)
          : await together(topic, { batch: trace.batch, attempts, onResult });
      countBatch(from, received.length, performance.now() - begun);
      return paused;
    } catch (error) {
      // The registry is away, or the batch is damaged: nothing of it could be read.
      const offset = messages[0]?.offset ?? '0';
      return { offset, verdict: 'pause', error, attempt: countAttempt(attempts, offset, 'pause') };
    } finally {
      whyPaused.delete(place);
    }
  }

  /** Lets the other partitions go on, and this one when its wait is over. */
  function pausePartition(
    place: string,
    { offset, verdict, error, attempt }: PartitionPause,
    resume: () => void,
  ): void {
    const wait = backoff(attempt, Math.random());
    const reason = messageOf(error);
    if (verdict === 'pause' || (verdict === 'rerun' && attempt >= LASTS)) whyPaused.set(place, reason);
    logger.warn({ err: error, offset, attempt, wait }, `${place} is paused: ${reason}`);
    void pause(wait, stopping.signal).then(resume);
  }

  function report(place: string, from: BatchPlace, result: BatchResult): void {
    countResult(from, result, Date.now());
    for (const { received, state, error } of result.deadLetters) {
      const line = `${place}@${received.position.offset} is ${state === 'dead' ? 'a dead letter' : 'parked behind a dead letter'}`;
      logger.error({ err: error, ...recordFields(received) }, line);
    }
    if (logger.isLevelEnabled('debug'))
      for (const event of result.handled) logger.debug(eventFields(event), `${event.type} handled`);
    for (const anomaly of result.anomalies)
      logger.warn(anomaly, `${place}: version ${anomaly.kind} of ${anomaly.key}`);
    options.onHandled?.(result);
  }

  /** Consumes until it is told to stop. @throws what made the client give up: it starts again by itself after less */
  async function consume(): Promise<void> {
    const consumer = kafka.consumer({
      groupId,
      sessionTimeout: SESSION_TIMEOUT,
      heartbeatInterval: HEARTBEAT_EVERY,
      maxWaitTimeInMs: POLL_FOR,
      metadataMaxAge: TOPICS_EVERY,
      // A broker may make every topic that is asked for, with settings of its own: a missing one is waited for.
      allowAutoTopicCreation: false,
    });
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      joined = true;
      whyPaused.clear();
      for (const [topic, partitions] of Object.entries(payload.memberAssignment))
        for (const partition of partitions) beginCounting({ topic, partition });
      logger.info({ assignment: payload.memberAssignment }, 'joined the group');
    });
    consumer.on(consumer.events.REBALANCING, () => logger.info('the group rebalances'));
    /** Commits the offsets of all that is done, and of markers that end a producer's transaction, which no batch shows. */
    const commit = mergeCalls({
      ...merged,
      work: async (payloads: EachBatchPayload[]) => {
        const [any] = payloads;
        await any?.commitOffsetsIfNecessary(any.uncommittedOffsets());
        return payloads.map(() => undefined);
      },
    });
    const over = new AbortController();
    const toldToStop = new Promise<void>((resolve, reject) => {
      // Taken away again when this attempt is over: the next one adds its own.
      stopping.signal.addEventListener('abort', () => resolve(), { signal: over.signal });
      consumer.on(consumer.events.CRASH, ({ payload: { error, restart } }) => {
        joined = false;
        if (!restart) reject(error);
      });
    });
    const connect = async () => {
      await consumer.connect();
      await consumer.subscribe({ topics, fromBeginning: true });
    };
    try {
      // The client tries for 15 s to reach a Kafka that is away, and a stop does not wait for that.
      await Promise.race([connect(), toldToStop]);
      if (stopping.signal.aborted) return;
      const run = consumer.run({
        // Offsets are committed below. What no batch shows, markers and aborted transactions, kafkajs commits so: if
        // it stayed uncommitted until the next event, retention would seem to have removed something unread.
        autoCommit: true,
        autoCommitThreshold: 1,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: PARTITIONS_AT_ONCE,
        eachBatch: (payload) => eachBatch(payload, commit),
      });
      await Promise.all([run, toldToStop]);
    } finally {
      over.abort();
      await consumer.disconnect();
    }
  }

  const running = untilDone(consume, stopping.signal, (error) => {
    whyOutside = kafkaProblem(error);
    logger.warn({ err: error }, `waiting for Kafka and the topics ${topics.join(', ')}: ${whyOutside}`);
  });

  return {
    ready() {
      if (!joined) throw new Error(`not in the group ${groupId}: ${whyOutside}`);
      for (const [place, reason] of whyPaused) throw new Error(`${place} is paused: ${reason}`);
    },
    async close() {
      stopping.abort();
      await pTimeout(running, { milliseconds: LEAVE_WITHIN, message: false });
    },
  };
}

/** Messages to be handled together. Those up to a damaged batch come first; they are not paused with it. */
function* chunks(messages: KafkaMessage[], size: number): Generator<KafkaMessage[]> {
  const damaged = messages.findIndex((each) => damageOf(each) !== undefined);
  const end = damaged < 0 ? messages.length : damaged;
  for (let at = 0; at < end; at += size) yield messages.slice(at, Math.min(at + size, end));
  if (damaged >= 0) yield messages.slice(damaged);
}

/** Keeps the group membership alive while a slow database or a retry takes longer than the session. */
async function withHeartbeats<T>(heartbeat: () => Promise<void>, work: () => Promise<T>): Promise<T> {
  // A failed heartbeat means that the group rebalances. The work goes on: the next heartbeat, after it, reports that to
  // kafkajs.
  const timer = setInterval(() => void heartbeat().catch(() => undefined), HEARTBEAT_EVERY);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}
