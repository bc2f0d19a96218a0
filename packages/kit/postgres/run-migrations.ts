import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/postgres-js';
import type { Db } from './database.ts';
import type { Sql } from './open-driver.ts';

/** Drizzle on a client of one's own, without what `openDatabase` does for a service. */
export const onClient = (client: Sql): Db => drizzle(client);

/** A folder of migrations, `*.sql`, which run in the order of their names. */
export interface Migrations {
  /** Of the table, in the schema `migrations`, that says which have run. */
  readonly name: string;
  readonly folder: string;
  /** Of a service's own: who may read and write the tables that they make, unless a file says by a GRANT who may. */
  readonly grantTo?: string;
}

/** When release 0.1 wrote a file that is part of another one by now: its row stands for none. */
const MERGED_FILE = 1_795_001_800_000;

/**
 * Runs what has not run yet of a folder of migrations, in one transaction.
 *
 * @returns a sentence for each file of a service's own that was edited after it had run, which changes nothing
 * @throws Error that names the file, with the driver's as its cause; nothing of the folder is changed then
 */
export async function runMigrations(db: Db, { name, folder, grantTo }: Migrations): Promise<string[]> {
  const files = readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .sort();
  const table = sql`migrations.${sql.identifier(name)}`;
  const textOf = (file: string) => readFileSync(join(folder, file), 'utf8');
  return db.transaction(async (tx) => {
    await tx.execute(sql`create schema if not exists migrations`);
    await tx.execute(
      sql`create table if not exists ${table} (id serial primary key, hash text not null, created_at bigint, name text)`,
    );
    // Up to release 0.1 they had no names, and were in the order of the files.
    await tx.execute(sql`alter table ${table} add column if not exists name text`);
    const rows = await tx.execute<{ id: number; name: string | null; hash: string }>(
      sql`select id, name, hash from ${table} where created_at <> ${MERGED_FILE} order by created_at, id`,
    );
    const known = new Set(rows.map((row) => row.name));
    for (const [at, row] of rows.entries()) {
      if (row.name !== null) continue;
      known.add(files[at] ?? null);
      await tx.execute(sql`update ${table} set name = ${files[at]} where id = ${row.id}`);
    }
    for (const file of files.filter((each) => !known.has(each))) {
      const text = textOf(file);
      const grants = grantTo !== undefined && !/\bgrant\b/i.test(text.replace(/--.*/g, ''));
      if (grants) await tx.execute(defaultPrivileges('grant', 'to', grantTo));
      try {
        await tx.execute(sql.raw(text));
      } catch (error) {
        throw new Error(`${join(folder, file)}: ${reasonOf(error)}`, { cause: error });
      }
      if (grants) await tx.execute(defaultPrivileges('revoke', 'from', grantTo));
      await tx.execute(
        sql`insert into ${table} (hash, created_at, name) values (${hashOf(text)}, ${Date.now()}, ${file})`,
      );
    }
    const hashes = new Map(rows.map((row) => [row.name, row.hash]));
    return files
      .filter(
        (file) => grantTo !== undefined && hashes.has(file) && hashes.get(file) !== hashOf(textOf(file)),
      )
      .map(
        (file) =>
          `${join(folder, file)} was edited after it had run, which changes nothing: write the next file`,
      );
  });
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** What the tables and sequences that are made from now on are open to. */
function defaultPrivileges(verb: 'grant' | 'revoke', preposition: 'to' | 'from', role: string) {
  const [start, end] = [sql.raw(`alter default privileges ${verb}`), sql.raw(preposition)];
  const who = sql.identifier(role);
  return sql`${start} select, insert, update, delete on tables ${end} ${who}; ${start} usage on sequences ${end} ${who}`;
}

/** What the server said; the library's own message repeats the whole file. */
function reasonOf(error: unknown): string {
  const { cause, message } = error as Error;
  return cause instanceof Error ? cause.message : message;
}
