import { setTimeout as delay } from 'node:timers/promises';
import type { Producer } from 'kafkajs';
import type postgres from 'postgres';

/** A relay that asks the table instead of reading the log. */
export interface PollingRelay {
  /** Finishes the batch under way. */
  close(): Promise<void>;
}

interface Row {
  id: string;
  aggregatetype: string;
  aggregateid: string;
  aggregateversion: number;
  type: string;
  payload: Buffer;
  ce_source: string;
  ce_specversion: string;
  content_type: string;
  traceparent: string;
  created_at: Date;
}

/** Prepares an outbox for it: a column that says what was published, and an index of what was not. */
export async function makePollable(sql: postgres.Sql): Promise<void> {
  await sql`alter table outbox add column if not exists published_at timestamptz`;
  await sql`update outbox set published_at = now() where published_at is null`;
  await sql`create index if not exists outbox_unpublished on outbox (created_at, aggregateversion)
    where published_at is null`;
}

/**
 * Publishes the rows of an outbox by polling: batches of `batch` rows, taken with SKIP LOCKED so that several relays
 * may run, marked as published in the same transaction. A failed batch is tried again at the next turn; a process that
 * dies between sending and marking sends it twice.
 *
 * @param interval from the end of a turn that found less than a batch to the next, ms
 */
export function startPollingRelay(
  sql: postgres.Sql,
  producer: Producer,
  { interval, batch, onError }: { interval: number; batch: number; onError: (error: unknown) => void },
): PollingRelay {
  const stopping = new AbortController();
  const running = (async () => {
    while (!stopping.signal.aborted) {
      const published = await publishBatch(sql, producer, batch).catch((error: unknown) => {
        onError(error);
        return 0;
      });
      if (published < batch)
        await delay(interval, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  })();
  return {
    async close() {
      stopping.abort();
      await running;
    },
  };
}

async function publishBatch(sql: postgres.Sql, producer: Producer, batch: number): Promise<number> {
  return sql.begin(async (tx) => {
    const rows = await tx<Row[]>`
      select * from outbox where published_at is null order by created_at, aggregateversion
      limit ${batch} for update skip locked`;
    if (rows.length === 0) return 0;
    const topicOf = ({ aggregatetype }: Row) => `${aggregatetype}-events`;
    const topicMessages = [...new Set(rows.map(topicOf))].map((topic) => ({
      topic,
      messages: rows.filter((row) => topicOf(row) === topic).map(toMessage),
    }));
    await producer.sendBatch({ topicMessages, acks: -1 });
    await tx`update outbox set published_at = now()
      where id = any(${rows.map(({ id }) => id)}::uuid[]) and published_at is null`;
    return rows.length;
  });
}

function toMessage(row: Row) {
  return {
    key: row.aggregateid,
    value: row.payload,
    headers: {
      id: row.id,
      ce_id: row.id,
      ce_type: row.type,
      ce_source: row.ce_source,
      ce_subject: row.aggregateid,
      ce_time: row.created_at.toISOString(),
      ce_specversion: row.ce_specversion,
      'content-type': row.content_type,
      aggregateversion: String(row.aggregateversion),
      traceparent: row.traceparent,
    },
  };
}
