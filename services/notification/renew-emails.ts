import type { Db } from '@walpost/kit/postgres/database';
import { sql } from 'drizzle-orm';
import { type EmailRow, emails } from './tables.ts';

/** Holds claimed e-mails for `lease` ms from now. @returns those that nobody else has claimed since */
export async function renewEmails(db: Db, held: EmailRow[], lease: number, now: Date): Promise<EmailRow[]> {
  const list = <V>(pick: (email: EmailRow) => V) => sql.param(held.map(pick));
  const renewed = await db
    .update(emails)
    .set({ nextAttemptAt: new Date(now.getTime() + lease) })
    .from(
      sql`unnest(${list(({ id }) => id)}::uuid[], ${list(({ attempts }) => attempts)}::integer[]) as held (id, attempts)`,
    )
    .where(
      sql`${emails.id} = held.id and ${emails.attempts} = held.attempts and ${emails.status} = 'WAITING'`,
    )
    .returning({ id: emails.id });
  const ids = new Set(renewed.map(({ id }) => id));
  return held.filter(({ id }) => ids.has(id));
}
