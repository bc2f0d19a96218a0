import { setTimeout as delay } from 'node:timers/promises';
import postgres from 'postgres';
import { setting } from 'walpost/stack/settings';
import type { TestStack } from 'walpost/testing/test-stack';
import type { Place } from './measurement.ts';

/** A superuser's connections to one of the stack's databases, until the measurement is over. */
export function openSql({ stack, defer }: Place, database: string, connections = 1): postgres.Sql {
  const sql = connect(stack, database, connections);
  defer(() => sql.end());
  return sql;
}

/** The same, for the caller to end. */
export function connect({ env }: TestStack, database: string, connections = 1): postgres.Sql {
  return postgres({
    host: '127.0.0.1',
    port: Number(setting(env, 'POSTGRES_PORT')),
    username: 'postgres',
    password: setting(env, 'POSTGRES_PASSWORD'),
    database,
    max: connections,
    onnotice: () => undefined,
  });
}

/** Makes the tables of orders empty for the next sample, with nothing left to write from the one before. */
export async function emptyOrders(sql: postgres.Sql): Promise<void> {
  await quiet(sql);
  await sql`truncate orders, outbox`;
  await sql`checkpoint`;
}

const QUIET_WITHIN = 30_000;

/** Waits until nobody else works in this database: a load that has ended leaves its last requests behind. */
export async function quiet(sql: postgres.Sql): Promise<void> {
  const until = Date.now() + QUIET_WITHIN;
  for (;;) {
    const [row] = await sql<{ n: number }[]>`select count(*)::int as n from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'
        and state <> 'idle'`;
    if (row?.n === 0) return;
    if (Date.now() > until) throw new Error(`${row?.n} sessions still work after ${QUIET_WITHIN / 1000} s`);
    await delay(20);
  }
}

const SLOT_WITHIN = 30_000;

/** Waits until a replication slot is there and is read, or until nobody reads it any more. */
export async function slotBecomes(sql: postgres.Sql, slot: string, state: 'read' | 'free'): Promise<void> {
  const until = Date.now() + SLOT_WITHIN;
  for (;;) {
    const [row] = await sql<{ active: boolean }[]>`
      select active from pg_replication_slots where slot_name = ${slot}`;
    if ((row?.active ?? false) === (state === 'read')) return;
    if (Date.now() > until) throw new Error(`slot ${slot} is not ${state} after ${SLOT_WITHIN / 1000} s`);
    await delay(20);
  }
}

/** Takes a slot away as soon as nobody reads it: it would keep the log of all that follows. */
export async function dropSlot(sql: postgres.Sql, slot: string): Promise<void> {
  await slotBecomes(sql, slot, 'free');
  await sql`select pg_drop_replication_slot(${slot})`;
}
