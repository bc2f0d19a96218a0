import type { Sql } from '@walpost/kit/postgres/open-driver';
import { getTableConfig, type PgTable } from 'drizzle-orm/pg-core';

/** A table's columns as its Drizzle declaration has them: `name type`, with `not null` where it holds. */
export function declaredColumns(table: PgTable): string[] {
  return getTableConfig(table)
    .columns.map((column) => describe(column.name, column.getSQLType(), column.notNull))
    .sort();
}

/** The same, as the migrations made them. */
export async function migratedColumns(admin: Sql, table: PgTable): Promise<string[]> {
  const rows = await admin<{ name: string; type: string; required: boolean }[]>`
    select attname as name, format_type(atttypid, atttypmod) as type, attnotnull as required
    from pg_attribute where attrelid = ${getTableConfig(table).name}::regclass and attnum > 0 and not attisdropped`;
  return rows.map(({ name, type, required }) => describe(name, type, required)).sort();
}

function describe(name: string, type: string, required: boolean): string {
  return `${name} ${type}${required ? ' not null' : ''}`;
}
