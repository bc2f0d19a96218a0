import { sql } from 'drizzle-orm';
import type { EventType } from '../contract/contract.ts';
import type { Db } from '../postgres/database.ts';
import { outboxTypeOf } from './outbox.ts';

/**
 * Lets an outbox take the events that its service publishes and no others, and keeps logical messages, which the relay
 * reads from the same log, to the role `cdc`. Changes nothing that is so already, because it locks the table.
 *
 * Postgres's own functions belong to the superuser; with another login they stay open to everybody, and the connector drops
 * what comes by them (`message.prefix.exclude.list`).
 *
 * @param db as who is logged in, who may have taken another role
 */
export async function guardOutbox(db: Db, publishes: readonly EventType[]): Promise<void> {
  const types = publishes
    .map(outboxTypeOf)
    .map(({ aggregatetype, type }) => `('${aggregatetype}', '${type}')`);
  const condition = `(aggregatetype, type) IN (${types.toSorted().join(', ')})`;
  await db.transaction(async (tx) => {
    // The condition as it was written is kept as a comment: Postgres would give it back in words of its own.
    const [current] = await tx.execute<{ condition: string | null }>(sql`
      select obj_description(oid, 'pg_constraint') as condition from pg_constraint
      where conrelid = 'outbox'::regclass and conname = 'outbox_publishes'`);
    if (current?.condition === condition) return;
    // NOT VALID: what an earlier release published stays.
    await tx.execute(sql`alter table outbox drop constraint if exists outbox_publishes,
      add constraint outbox_publishes check (${sql.raw(condition)}) not valid`);
    await tx.execute(
      sql`comment on constraint outbox_publishes on outbox is ${sql.raw(`'${condition.replaceAll("'", "''")}'`)}`,
    );
  });
  await db.transaction(async (tx) => {
    await tx.execute(sql`set local role none`);
    // All that there are of it, whatever they take: a later Postgres may have more.
    await tx.execute(sql`
      do $$ declare emit regprocedure; begin
        if not (select rolsuper from pg_roles where rolname = current_user) then return; end if;
        for emit in select oid from pg_proc
          where proname = 'pg_logical_emit_message' and pronamespace = 'pg_catalog'::regnamespace loop
          execute format('revoke execute on function %s from public', emit);
          execute format('grant execute on function %s to cdc', emit);
        end loop;
      end $$`);
  });
}

/** Makes the publication by which Debezium reads the outbox, unless there is one: inserts only, and daily partitions as one table. */
export async function makePublication(db: Db, name: string): Promise<void> {
  await db.execute(sql`
    do $$ begin
      if not exists (select from pg_publication where pubname = ${sql.raw(`'${name}'`)}) then
        create publication ${sql.identifier(name)} for table outbox
          with (publish = 'insert', publish_via_partition_root = true);
      end if;
    end $$`);
}
