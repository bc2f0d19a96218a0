import type { ReceivedEvent } from '@walpost/kit/consumer/receive';
import type { Tx } from '@walpost/kit/postgres/database';
import { sql } from 'drizzle-orm';
import { composeEmail, type OrderEvent } from './email.ts';
import { emails } from './tables.ts';

/** Writes down the e-mails that events give rise to, one each; the sender sends them. */
export async function writeEmails(
  tx: Tx,
  events: ReceivedEvent<OrderEvent['type']>[],
  now: Date,
): Promise<void> {
  const written = events.map((event) => ({ event, email: composeEmail(event) }));
  const list = <V>(pick: (each: (typeof written)[number]) => V) => sql.param(written.map(pick));
  // The columns in the order of the table's definition.
  await tx
    .insert(emails)
    .select(
      sql`select id, order_id, customer_id, kind, recipient, subject, body, message_id,
          'WAITING', 0, null::text, instant.now, traceparent, instant.now, null::timestamptz, null::timestamptz
        from unnest(
          ${list(({ event }) => event.id)}::uuid[],
          ${list(({ event }) => event.data.orderId)}::uuid[],
          ${list(({ event }) => event.data.customerId)}::text[],
          ${list(({ email }) => email.kind)}::text[],
          ${list(({ email }) => email.recipient)}::text[],
          ${list(({ email }) => email.subject)}::text[],
          ${list(({ email }) => email.body)}::text[],
          ${list(({ event }) => `<${event.id}@walpost.local>`)}::text[],
          ${list(({ event }) => event.traceparent ?? null)}::text[]
        ) as written (id, order_id, customer_id, kind, recipient, subject, body, message_id, traceparent),
        (select ${now.toISOString()}::timestamptz as now) as instant`,
    )
    // One e-mail an event, also when the inbox has forgotten it.
    .onConflictDoNothing()
    .prepare('write_emails')
    .execute();
}
