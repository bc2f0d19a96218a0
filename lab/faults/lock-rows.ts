import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from './eventually.ts';
import type { Times } from './inflict.ts';
import type { Lab } from './lab.ts';
import type { Lockable, Service } from './plan.ts';

const TIMEOUT_S = 240;

/** Whose table it is, and the rows that something is still to happen to; those first. */
const rows: Readonly<Record<Lockable, readonly [Service, string]>> = {
  orders: [
    'order',
    `select id from orders order by status = 'PENDING' desc, created_at desc limit 100 for update`,
  ],
  payments: [
    'payment',
    'select id from payments order by next_attempt_at is not null desc, updated_at desc limit 100 for update',
  ],
  stock: ['inventory', 'select sku from stock for update'],
  emails: [
    'notification',
    `select id from emails order by status <> 'SENT' desc, created_at desc limit 100 for update`,
  ],
};

/** Keeps rows locked as a program does that has forgotten to commit. */
export async function lockRows({ databases }: Lab, table: Lockable, lasts: number): Promise<Times> {
  const [service, lock] = rows[table];
  let from: number | undefined;
  await eventually(`locking rows of ${table}`, TIMEOUT_S, async () => {
    try {
      await databases[service].begin(async (tx) => {
        await tx.unsafe(lock);
        from ??= Date.now();
        await delay(lasts);
      });
    } catch (error) {
      // Another fault has taken the database away, and the locks with it.
      if (from === undefined) throw error;
    }
    return true;
  });
  return { from: from ?? Date.now(), to: Date.now() };
}
