import type { Db } from '@walpost/kit/database';
import type { BacklogRow } from '@walpost/kit/observe/observed-service';
import { count, eq, isNotNull, min } from 'drizzle-orm';
import { emails } from './tables.js';

/** How many e-mails are to be sent, and since when the oldest; and how many the mail server refused for good. */
export async function emailsWaiting(db: Db): Promise<BacklogRow> {
  const [row] = await db
    .select({ count: count(), oldest: min(emails.createdAt) })
    .from(emails)
    .where(isNotNull(emails.nextAttemptAt));
  const refused = await db.$count(emails, eq(emails.status, 'REFUSED'));
  return { count: row?.count ?? 0, oldest: row?.oldest?.getTime() ?? null, refused };
}
