import type { EventName } from '@walpost/schemas/contract';
import { sql } from 'drizzle-orm';
import type { Db, Tx } from './database.js';
import { MessageError, type ReceivedEvent } from './receive.js';
import { inbox } from './tables.js';

/**
 * What a service does about events: for each type a function that writes the effects of several events, in their order,
 * in the transaction that marks them as seen. No call to the outside belongs in it: record what is to be done.
 */
export type Handlers = { [N in EventName]?: (tx: Tx, events: ReceivedEvent<N>[]) => Promise<void> };

/**
 * Acts on events once: those that the inbox does not know yet are handled, in one transaction with their inbox rows.
 *
 * @returns the events that were new
 * @throws {MessageError} for a type that is neither handled nor ignored
 * @throws what a handler or the database throws; nothing of the batch is written then
 */
export async function handleBatch(
  db: Db,
  handlers: Handlers,
  ignores: EventName[],
  events: ReceivedEvent[],
): Promise<ReceivedEvent[]> {
  return db.transaction(async (tx) => {
    const claimed = await claim(tx, events);
    const fresh = events.filter((event) => claimed.delete(event.id));
    for (const group of groupByType(fresh)) await handle(tx, handlers, ignores, group);
    return fresh;
  });
}

/** Writes inbox rows for the events that have none. One statement, whatever the number of events. */
async function claim(tx: Tx, events: ReceivedEvent[]): Promise<Set<string>> {
  const rows = await tx
    .insert(inbox)
    .select(
      sql`select * from unnest(${sql.param(events.map((event) => event.id))}::uuid[],
        ${sql.param(events.map((event) => event.position.topic))}::text[],
        ${sql.param(events.map((event) => event.position.partition))}::integer[],
        ${sql.param(events.map((event) => event.position.offset))}::bigint[]), now()`,
    )
    .onConflictDoNothing()
    .returning({ id: inbox.eventId })
    .prepare('inbox_claim')
    .execute();
  return new Set(rows.map((row) => row.id));
}

/**
 * Collects events of one type into as few groups as can be without changing the order of any key: an event joins the
 * first group of its type that is not before its key's latest one.
 */
export function groupByType<E extends { type: string; key: string }>(events: E[]): E[][] {
  const groups: E[][] = [];
  const latest = new Map<string, number>();
  for (const event of events) {
    let at = latest.get(event.key) ?? 0;
    while (at < groups.length && groups[at]?.[0]?.type !== event.type) at++;
    const group = groups[at];
    if (group) group.push(event);
    else groups.push([event]);
    latest.set(event.key, at);
  }
  return groups;
}

async function handle(
  tx: Tx,
  handlers: Handlers,
  ignores: EventName[],
  group: ReceivedEvent[],
): Promise<void> {
  const type = group[0]?.type;
  if (!type || ignores.includes(type)) return;
  const handler = handlers[type] as ((tx: Tx, events: ReceivedEvent[]) => Promise<void>) | undefined;
  if (!handler) throw new MessageError('unhandled-type', `this service neither handles nor ignores ${type}`);
  await handler(tx, group);
}
