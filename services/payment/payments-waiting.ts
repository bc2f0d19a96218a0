import type { Db } from '@walpost/kit/database';
import type { BacklogRow } from '@walpost/kit/observe/observed-service';
import { count, isNotNull, min } from 'drizzle-orm';
import { payments } from './tables.js';

/** How many payments wait for the gateway, and since when the oldest. */
export async function paymentsWaiting(db: Db): Promise<BacklogRow> {
  const [row] = await db
    .select({ count: count(), oldest: min(payments.updatedAt) })
    .from(payments)
    .where(isNotNull(payments.nextAttemptAt));
  return { count: row?.count ?? 0, oldest: row?.oldest?.getTime() ?? null };
}
