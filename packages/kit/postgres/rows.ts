import { type SQL, sql } from 'drizzle-orm';

/** A Postgres instant as milliseconds since the epoch, for a `select`. */
export const milliseconds = (expression: string): SQL =>
  sql.raw(`(extract(epoch from ${expression}) * 1000)::float8`);

/** An interface as `db.execute` takes what a row has: the same, with an index signature. */
export type RowOf<T> = { [K in keyof T]: T[K] };
