import { DatabaseSetup } from 'pg-transactional-outbox';
import type postgres from 'postgres';

/** Makes the outboxes that alternatives have beside that of the order service. @param orders as the superuser */
export async function makeOutboxes(orders: postgres.Sql): Promise<void> {
  await orders`create table polled_outbox (id uuid primary key, aggregateid text not null, payload bytea not null,
    created_at timestamptz not null default now(), published_at timestamptz)`;
  await orders`create index on polled_outbox (created_at, id) where published_at is null`;
  await orders`grant select, insert, update on polled_outbox to orders_app`;
  await makeTailedOutbox(orders);
}

/** Makes the table, publication and slot of pg-transactional-outbox as it wants them. */
async function makeTailedOutbox(orders: postgres.Sql): Promise<void> {
  const outbox = {
    outboxOrInbox: 'outbox' as const,
    database: 'orders',
    schema: 'public',
    table: 'tailed_outbox',
    handlerRole: 'orders_app',
    listenerRole: 'cdc',
    publication: 'tailed_outbox',
    replicationSlot: 'tailed_outbox',
  };
  await orders.unsafe(DatabaseSetup.dropAndCreateTable(outbox));
  await orders.unsafe(DatabaseSetup.grantPermissions(outbox));
  await orders.unsafe(DatabaseSetup.setupReplicationCore(outbox));
  // A slot of its own transaction: a statement for each.
  for (const statement of DatabaseSetup.setupReplicationSlot(outbox).split(';'))
    if (statement.trim() !== '') await orders.unsafe(statement);
}
