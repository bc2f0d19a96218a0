import { drizzle } from 'drizzle-orm/postgres-js';
import { migrate } from 'drizzle-orm/postgres-js/migrator';
import type { Db } from './database.ts';
import type { Sql } from './open-driver.ts';

/** Drizzle on a client of one's own, without what `openDatabase` does for a service. */
export const onClient = (client: Sql): Db => drizzle(client);

/**
 * Runs what has not run yet of a folder of migrations, in one transaction.
 *
 * @param name of the journal that says which have run, in the schema `migrations`
 */
export function runMigrations(db: Db, { name, folder }: { name: string; folder: string }): Promise<void> {
  return migrate(db, { migrationsFolder: folder, migrationsSchema: 'migrations', migrationsTable: name });
}
