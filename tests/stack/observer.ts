import { type Database, type Db, openDatabase } from '@walpost/kit/postgres/database';
import { sql } from 'drizzle-orm';
import type postgres from 'postgres';
import { setting } from 'walpost/testing/support';
import type { TestDatabase } from './database.ts';

/** A function of the schema `observer`, and what it answered about the key and the topic of an event that was handled. */
export interface Answer {
  readonly question: string;
  /** Names and types of what it gives, as it declares them. */
  readonly columns: string;
  readonly rows: readonly Record<string, unknown>[];
}

/** Opens a service's database as the role `observer`. */
export function openAsObserver({ options }: TestDatabase): Database {
  const password = setting(process.env as Record<string, string>, 'OBSERVER_PASSWORD');
  return openDatabase({ ...options, user: 'observer', password, readOnly: true, connections: 2 });
}

/** Asks everything that there is to ask, by the catalogue, of the last key that was handled. */
export async function askObserver(db: Db, admin: postgres.Sql): Promise<Answer[]> {
  const [last] = await admin<{ key: string; topic: string }[]>`
    select key, topic from inbox order by received_at desc limit 1`;
  const given: Record<string, string | number | undefined> = {
    of_key: last?.key,
    of_topic: last?.topic,
    since: '-infinity',
    most: 8,
  };
  const questions = await admin<{ question: string; parameters: string[]; columns: string }[]>`
    select proname as question, pg_get_function_result(oid) as columns,
      coalesce(proargnames[1:pronargs], '{}') as parameters
    from pg_proc where pronamespace = 'observer'::regnamespace order by proname`;
  return Promise.all(
    questions.map(async ({ question, parameters, columns }) => {
      const values = sql.join(
        parameters.map((name) => sql`${given[name]}`),
        sql`, `,
      );
      const rows = await db.execute<{ row: Record<string, unknown> }>(
        sql`select to_jsonb(answer) as row from observer.${sql.identifier(question)}(${values}) as answer`,
      );
      return { question, columns, rows: rows.map(({ row }) => row) };
    }),
  );
}
