import { pause } from '@walpost/kit/retry';
import type { Message, Producer } from 'kafkajs';
import type postgres from 'postgres';

/** From the end of a turn that found less than a batch to the next, ms. */
export const POLL_EVERY = 100;
/** The most rows of a turn. */
const BATCH = 500;

export interface PollingRelayOptions<R> {
  sql: postgres.Sql;
  producer: Producer;
  /** An outbox with `id`, `created_at`, and `published_at`, null until it is. */
  table: string;
  topicOf(row: R): string;
  toMessage(row: R): Message;
  onError: (error: unknown) => void;
}

/** A relay that asks the table instead of reading the log. */
export interface PollingRelay {
  /** Finishes the batch under way. */
  close(): Promise<void>;
}

interface OutboxRow {
  id: string;
  aggregateid: string;
  payload: Buffer;
}

/**
 * Publishes the rows of an outbox by polling: batches of rows, taken with SKIP LOCKED so that several relays may run,
 * marked as published in the same transaction. A failed batch is tried again at the next turn; a process that dies
 * between sending and marking sends it twice.
 */
export function startPollingRelay<R extends OutboxRow>(options: PollingRelayOptions<R>): PollingRelay {
  const { onError } = options;
  const stopping = new AbortController();
  const running = (async () => {
    while (!stopping.signal.aborted) {
      const published = await publishBatch(options).catch((error: unknown) => {
        onError(error);
        return 0;
      });
      if (published < BATCH) await pause(POLL_EVERY, stopping.signal);
    }
  })();
  return {
    async close() {
      stopping.abort();
      await running;
    },
  };
}

async function publishBatch<R extends OutboxRow>(options: PollingRelayOptions<R>): Promise<number> {
  const { sql, producer, table, topicOf, toMessage } = options;
  return sql.begin(async (tx) => {
    const rows = await tx<R[]>`
      select * from ${tx(table)} where published_at is null order by created_at, id
      limit ${BATCH} for update skip locked`;
    if (rows.length === 0) return 0;
    const topicMessages = [...new Set(rows.map(topicOf))].map((topic) => ({
      topic,
      messages: rows.filter((row) => topicOf(row) === topic).map(toMessage),
    }));
    await producer.sendBatch({ topicMessages, acks: -1 });
    await tx`update ${tx(table)} set published_at = now()
      where id = any(${rows.map(({ id }) => id)}::uuid[]) and published_at is null`;
    return rows.length;
  });
}
