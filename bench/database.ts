import { setTimeout as delay } from 'node:timers/promises';
import { setting } from '@walpost/native/settings';
import postgres from 'postgres';
import type { Bench } from './measurement.js';

/** A superuser's connection to one of the stack's databases, until the measurement is over. */
export function openSql({ stack, defer }: Bench, database: string): postgres.Sql {
  const sql = postgres({
    host: '127.0.0.1',
    port: Number(setting(stack.env, 'POSTGRES_PORT')),
    username: 'postgres',
    password: setting(stack.env, 'POSTGRES_PASSWORD'),
    database,
    max: 1,
    onnotice: () => undefined,
  });
  defer(() => sql.end());
  return sql;
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
