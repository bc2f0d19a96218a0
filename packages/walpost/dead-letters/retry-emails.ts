import type { Db } from '@walpost/kit/postgres/database';
import { milliseconds } from '@walpost/kit/postgres/rows';
import { type SQL, sql } from 'drizzle-orm';

/** An e-mail that the mail server refused for good. */
export interface RefusedEmail extends Record<string, unknown> {
  readonly orderId: string;
  readonly kind: string;
  readonly attempts: number;
  /** When its order's event came, ms since the epoch. */
  readonly createdAt: number;
  /** What the server said. */
  readonly answer: string;
}

const columns = sql`
  order_id as "orderId", kind, attempts, ${milliseconds('created_at')} as "createdAt", last_error as answer`;
const refused = (orderId: string | undefined): SQL =>
  orderId === undefined ? sql`status = 'REFUSED'` : sql`status = 'REFUSED' and order_id = ${orderId}`;

/** Refused e-mails, of one order or of all, the oldest first. */
export async function findRefusedEmails(db: Db, orderId: string | undefined): Promise<RefusedEmail[]> {
  return db.execute<RefusedEmail>(
    sql`select ${columns} from emails where ${refused(orderId)} order by created_at, id`,
  );
}

/** Has refused e-mails tried again, which the running service does within a second or so. @returns them */
export async function retryEmails(db: Db, orderId: string | undefined): Promise<RefusedEmail[]> {
  return db.execute<RefusedEmail>(
    sql`update emails set status = 'WAITING', next_attempt_at = now() where ${refused(orderId)} returning ${columns}`,
  );
}
