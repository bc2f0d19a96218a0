import { eventually } from './eventually.ts';
import type { Times } from './inflict.ts';
import type { Lab } from './lab.ts';
import type { Service } from './plan.ts';

/** How long the command line, or the database, may take to do it, s. */
const TIMEOUT_S = 240;
/** How long a connector may take until it reads, s: in the middle of other faults it may have to read its outbox again. */
const RELAY_TIMEOUT_S = 900;

/** Runs the operator's command line until it gets its way: what it needs may be down just now. */
export async function walpost({ stack }: Pick<Lab, 'stack'>, ...args: string[]): Promise<void> {
  await eventually(`walpost ${args.join(' ')}`, TIMEOUT_S, () => stack.operate(...args));
}

const slots: Readonly<Record<string, Service>> = {
  'order-outbox': 'order',
  'payment-outbox': 'payment',
  'inventory-outbox': 'inventory',
};

/**
 * Drops the slot of a connector that reads it. One that is only starting would make another, and what was committed
 * meanwhile would never be sent (docs/reliability.md, "Found, and not fixed"). That it reads is seen by what it confirms.
 */
export async function dropSlot({ databases }: Lab, connector: string): Promise<Times> {
  const sql = databases[slots[connector] ?? 'order'];
  const slot = connector.replace('-', '_');
  let before: { pid: number; confirmed: string } | undefined;
  const from = await eventually(`dropping ${slot}`, RELAY_TIMEOUT_S, async () => {
    const [now] = await sql<{ pid: number; confirmed: string }[]>`
      select active_pid as pid, confirmed_flush_lsn::text as confirmed from pg_replication_slots
      where slot_name = ${slot} and active_pid is not null`;
    const reads = now !== undefined && now.pid === before?.pid && now.confirmed !== before.confirmed;
    before = now;
    if (!reads) throw new Error(now ? 'its connector confirms nothing' : 'no connector reads it');
    // Answers when the process is gone, ms at most; the connector comes back after a second.
    await sql`select pg_terminate_backend(${now.pid}, 5000)`;
    await sql`select pg_drop_replication_slot(${slot})`;
    return Date.now();
  });
  return { from, to: Date.now() };
}

/** Changes the password that connectors log in with, and ends the connection of one. */
export async function lockOut({ databases }: Lab, connector: string): Promise<void> {
  const sql = databases[slots[connector] ?? 'order'];
  await eventually('changing the password of cdc', TIMEOUT_S, async () => {
    await sql`alter role cdc password 'another'`;
    return sql`select pg_terminate_backend(active_pid) from pg_replication_slots
      where slot_name = ${connector.replace('-', '_')} and active_pid is not null`;
  });
}

/** Puts that password back. */
export async function letIn({ databases, env }: Lab): Promise<void> {
  const password = env['CDC_PASSWORD'] ?? '';
  await eventually('putting the password of cdc back', TIMEOUT_S, () =>
    databases.order.unsafe(`alter role cdc password '${password}'`),
  );
}
