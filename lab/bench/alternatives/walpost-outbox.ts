// Our own outbox, polled: what carries events in place of Debezium when the two are compared.
import type postgres from 'postgres';
import { type PollingRelay, type PollingRelayOptions, startPollingRelay } from './polling-relay.ts';

type OutboxRow = Record<
  'id' | 'aggregatetype' | 'aggregateid' | 'type' | 'ce_source' | 'traceparent',
  string
> & {
  aggregateversion: number;
  payload: Buffer;
  created_at: Date;
};

/** Gives the outbox a column that says when a row was published, now for those that are there, and an index of the others. */
export async function addPublishedColumn(sql: postgres.Sql): Promise<void> {
  await sql`alter table outbox add column if not exists published_at timestamptz`;
  await sql`update outbox set published_at = now() where published_at is null`;
  await sql`create index if not exists outbox_unpublished on outbox (created_at, id) where published_at is null`;
}

/** Polls an outbox that has the column. */
export function pollWalpostOutbox(
  options: Omit<PollingRelayOptions<OutboxRow>, 'table' | 'topicOf' | 'toMessage'>,
): PollingRelay {
  return startPollingRelay<OutboxRow>({
    ...options,
    table: 'outbox',
    topicOf: ({ aggregatetype }) => `${aggregatetype}-events`,
    toMessage: (row) => ({
      key: row.aggregateid,
      value: row.payload,
      headers: {
        ce_id: row.id,
        ce_type: row.type,
        ce_source: row.ce_source,
        ce_time: row.created_at.toISOString(),
        aggregateversion: String(row.aggregateversion),
        traceparent: row.traceparent,
      },
    }),
  });
}
