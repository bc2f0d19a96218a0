import { DatabaseSetup } from 'pg-transactional-outbox';
import type postgres from 'postgres';

/** Where the outbox library keeps its messages, beside our own outbox. */
export const LIBRARY_OUTBOX = {
  outboxOrInbox: 'outbox' as const,
  database: 'orders',
  schema: 'public',
  table: 'library_outbox',
  listenerRole: 'postgres',
  handlerRole: 'orders_app',
  publication: 'library_outbox',
  replicationSlot: 'library_outbox',
};

/** Makes table, publication and slot, by the library’s own statements. */
export async function makeLibraryOutbox(sql: postgres.Sql): Promise<void> {
  await sql.unsafe(DatabaseSetup.dropAndCreateTable(LIBRARY_OUTBOX));
  await sql.unsafe(DatabaseSetup.grantPermissions(LIBRARY_OUTBOX));
  await sql.unsafe(DatabaseSetup.setupReplicationCore(LIBRARY_OUTBOX));
  await sql`select pg_create_logical_replication_slot(${LIBRARY_OUTBOX.replicationSlot}, 'pgoutput')`;
}
