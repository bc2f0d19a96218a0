import type { SQL } from 'drizzle-orm';
import { eventually } from 'walpost/testing/support';
import type { TestDatabase } from './database.ts';

/**
 * Lets an operation meet a change that another transaction has made and not committed: it is committed when the
 * operation waits for it, so that what the operation has read before its lock is out of date.
 */
export async function whileChanging<T>(
  database: TestDatabase,
  change: SQL,
  operation: () => Promise<T>,
): Promise<T> {
  const [running] = await database.openAnother().db.transaction(async (tx) => {
    await tx.execute(change);
    const started = operation();
    // Its failure is the caller's, who gets the promise after the commit.
    started.catch(() => undefined);
    await eventually(async () => {
      const [waiting] = await database.admin`
        select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
      return waiting ? true : undefined;
    });
    return [started];
  });
  return running as Promise<T>;
}
