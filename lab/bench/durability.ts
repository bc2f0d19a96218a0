import type { TestStack } from 'walpost/testing/test-stack';
import { connect } from './database.ts';
import { BenchError } from './measurement.ts';

/** What Postgres must do before it says that a transaction is committed. */
const DURABLE = ['fsync', 'synchronous_commit', 'full_page_writes'];

/**
 * A figure that was bought with durability is worth nothing: looks whether every commit of a stack is on disk when it is
 * answered, for each role and database that has settings of its own, too.
 *
 * @returns the settings in words
 * @throws {BenchError} one of them is not `on`
 */
export async function checkDurability(stack: TestStack): Promise<string> {
  const sql = connect(stack, 'postgres');
  try {
    const settings = await sql<{ name: string; value: string }[]>`
      select name, setting as value from pg_settings where name = any(${DURABLE})
      union all
      select split_part(own, '=', 1), split_part(own, '=', 2)
      from pg_db_role_setting, unnest(setconfig) as own where split_part(own, '=', 1) = any(${DURABLE})`;
    const wrong = settings.find(({ value }) => value !== 'on');
    if (wrong) throw new BenchError(`Postgres has ${wrong.name} = ${wrong.value}: nothing is measured so.`);
    return `Postgres has ${settings.map(({ name, value }) => `${name} ${value}`).join(', ')}`;
  } finally {
    await sql.end();
  }
}
