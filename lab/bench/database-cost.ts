import { openSql, quiet } from './database.ts';
import type { Bench } from './measurement.ts';

/** What a load cost the database server, by order; all databases, whoever it was that wrote. */
type Cost = Record<'until all have acted' | 'write-ahead log' | 'transactions' | 'statements', number>;

interface Load {
  /** Orders a second that were taken in. */
  rate: number;
  /** From the first order to the last effect. */
  seconds: number;
}

/**
 * Prepares the stack's Postgres to count what statements take, which restarts it.
 *
 * @returns runs a load, and reports what it cost
 */
export async function costMeter(bench: Bench) {
  const { stack } = bench;
  const sql = openSql(bench, 'orders');
  await sql`alter system set shared_preload_libraries = 'pg_stat_statements'`;
  await stack.stop('postgres');
  await stack.start('postgres');
  await sql`create extension pg_stat_statements`;

  const look = async () => {
    // A backend reports what it did with a delay.
    await quiet(sql);
    const [row] = await sql<{ bytes: number; transactions: number; statements: number; orders: number }[]>`
      select (pg_current_wal_lsn() - '0/0')::float8 as bytes, (select count(*)::float8 from orders) as orders,
        (select sum(xact_commit)::float8 from pg_stat_database) as transactions,
        (select sum(total_exec_time) from pg_stat_statements) as statements`;
    if (!row) throw new Error('no answer');
    return row;
  };

  return async (load: () => Promise<Load>): Promise<{ rate: number; cost: Cost }> => {
    const before = await look();
    const { rate, seconds } = await load();
    const after = await look();
    const orders = after.orders - before.orders;
    return {
      rate,
      cost: {
        'until all have acted': orders / seconds,
        'write-ahead log': (after.bytes - before.bytes) / orders,
        transactions: (after.transactions - before.transactions) / orders,
        statements: (after.statements - before.statements) / orders,
      },
    };
  };
}
