import type postgres from 'postgres';
import { eventually } from './eventually.ts';
import type { Times } from './inflict.ts';
import type { Lab } from './lab.ts';
import type { Service } from './plan.ts';

const TIMEOUT_S = 240;

/** A table of a service, and its columns that a migration may give another type. */
export interface Table {
  readonly name: string;
  readonly partitioned: boolean;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
}

/** The types that hold the same and more, and back for text, so that the next change has something to do as well. */
const widened: Readonly<Record<string, string>> = { text: 'varchar', varchar: 'text', int4: 'bigint' };

/** What a migration does that adds and widens and takes nothing away; each statement can be run again. */
export function alterationsOf({ name, partitioned, columns }: Table, number: number): string[] {
  const added = `lab_${number}`;
  const types = columns.flatMap(({ name: column, type }) =>
    widened[type] === undefined ? [] : [`alter column ${column} type ${widened[type]}`],
  );
  const index = `${added}_${name}`;
  return [
    `alter table ${name} add column if not exists ${added} text`,
    ...(types.length > 0 ? [`alter table ${name} ${types.join(', ')}`] : []),
    // Postgres builds none of a partitioned table without locking it. One that was interrupted is left, and not valid.
    ...(partitioned
      ? []
      : [
          `drop index concurrently if exists ${index}`,
          `create index concurrently ${index} on ${name} (${added})`,
        ]),
    `analyze ${name}`,
  ];
}

/** Migrates every table of a service while it is in use. */
export async function alterTables({ databases }: Lab, service: Service, number: number): Promise<Times> {
  const sql = databases[service];
  const from = Date.now();
  const tables = await eventually(`the tables of ${service}`, TIMEOUT_S, () => readTables(sql));
  for (const table of tables)
    for (const statement of alterationsOf(table, number))
      await eventually(statement, TIMEOUT_S, async () => {
        if (statement.startsWith('alter')) await sql.begin((tx) => alter(tx, statement));
        else await sql.unsafe(statement);
        return true;
      });
  return { from, to: Date.now() };
}

/** Everybody else waits behind an ALTER TABLE that waits: it gives up, and is tried again. */
async function alter(tx: postgres.TransactionSql, statement: string): Promise<void> {
  await tx`set local lock_timeout = '2s'`;
  await tx.unsafe(statement);
}

async function readTables(sql: postgres.Sql): Promise<Table[]> {
  // A column that a view, trigger, policy or publication names cannot change its type while that is there.
  return sql<Table[]>`
    select relname as name, relkind = 'p' as partitioned, coalesce((
      select json_agg(json_build_object('name', quote_ident(attname), 'type', typname))
      from pg_attribute join pg_type on pg_type.oid = atttypid
      where attrelid = pg_class.oid and attnum > 0 and not attisdropped and attidentity = ''
        and not exists (select from pg_depend where refobjid = attrelid and refobjsubid = attnum and classid in
          ('pg_rewrite'::regclass, 'pg_trigger'::regclass, 'pg_policy'::regclass, 'pg_publication_rel'::regclass))
    ), '[]') as columns
    from pg_class
    where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition
    order by relname`;
}
