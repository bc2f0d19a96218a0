import { type Column, type SQL, sql } from 'drizzle-orm';

/**
 * `column = any (values)`: one text for any number of values, which the server prepares once. Drizzle's `inArray` has a
 * parameter for each value, and so a statement for each number of them.
 */
export function isAnyOf(column: Column, values: readonly string[]): SQL {
  return sql`${column} = any(${sql.param(values)}::${sql.raw(column.getSQLType())}[])`;
}
