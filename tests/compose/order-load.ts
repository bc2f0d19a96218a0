import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import {
  call,
  connectTo,
  type Environment,
  eventually,
  readTopic,
  SAMPLE_ORDER,
} from 'walpost/testing/support';
import { ASK_EVERY, TIMEOUT_S } from './compose-stack.ts';

/** What came of ordering: the ids of all orders that were answered 201, and how often the answer was another one. */
export interface OrderLoad {
  ids: string[];
  refused: number;
}

/**
 * Between two orders of a client, ms: what is looked at is that nothing is lost, not how much goes through. At few orders a
 * second each costs a tenth of a second of CPU, which whatever comes back needs too.
 */
const THINK_TIME = 1_500;

/**
 * Keeps ordering while something happens to the stack, as good clients do: an order without an answer is sent again
 * under the same key. Ends when `happening` has, however that ends.
 */
export async function orderWhile(
  env: Environment,
  happening: () => Promise<void>,
  clients = 4,
): Promise<OrderLoad> {
  const load: OrderLoad = { ids: [], refused: 0 };
  let over = false;
  const order = async () => {
    const key = randomUUID();
    await eventually(async () => {
      const answer = await call(env, '/orders', {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': key },
        body: JSON.stringify(SAMPLE_ORDER),
        signal: AbortSignal.timeout(20_000),
      }).catch(() => undefined);
      if (answer?.status !== 201) {
        load.refused += 1;
        return over || undefined;
      }
      load.ids.push(((await answer.json()) as { id: string }).id);
      return true;
    }, TIMEOUT_S);
  };
  const client = async () => {
    while (!over) {
      await order();
      await delay(THINK_TIME);
    }
  };
  const happened = happening().finally(() => {
    over = true;
  });
  await Promise.all([happened, ...Array.from({ length: clients }, client)]);
  return load;
}

/** What the databases and the topic hold of orders; each is what nobody lost and nobody doubled. */
export interface Effects {
  confirmed: number;
  payments: number;
  reservations: number;
  emails: number;
  deadLetters: number;
  /** Orders whose records on the topic are not exactly versions 1 and 2. */
  wrongOnTopic: string[];
}

/** What must be there after `count` orders that were all confirmed. */
export const exactly = (count: number): Effects => ({
  confirmed: count,
  payments: count,
  reservations: count,
  emails: 2 * count,
  deadLetters: 0,
  wrongOnTopic: [],
});

/**
 * Waits until these orders have all their effects, and counts them.
 *
 * @param mayRepeat whether a record may be on the topic twice, which consumers do not notice
 */
export async function effectsOf(
  env: Environment,
  ids: string[],
  { mayRepeat = false } = {},
): Promise<Effects> {
  const count = async (database: string, text: string): Promise<number> => {
    const sql = connectTo(env, database);
    try {
      const [row] = await sql.unsafe(text, [ids]);
      return Number(row?.['n']);
    } finally {
      await sql.end();
    }
  };
  const databases = async () => ({
    confirmed: await count(
      'orders',
      `select count(*) as n from orders where status = 'CONFIRMED' and id = any($1)`,
    ),
    payments: await count(
      'payments',
      `select count(*) as n from payments where status = 'AUTHORIZED' and order_id = any($1)`,
    ),
    reservations: await count(
      'inventory',
      `select count(*) as n from reservations where status = 'RESERVED' and order_id = any($1)`,
    ),
    emails: await count(
      'notifications',
      'select count(*) as n from emails where sent_at is not null and order_id = any($1)',
    ),
  });
  const wanted = exactly(ids.length);
  await eventually(
    async () => {
      const found = await databases();
      const short = Object.entries(found).filter(([name, n]) => n < Number(wanted[name as keyof Effects]));
      if (short.length > 0) throw new Error(`of ${ids.length} orders: ${JSON.stringify(found)}`);
      return true;
    },
    TIMEOUT_S,
    { every: ASK_EVERY },
  );
  const versions = new Map<string, number[]>();
  for (const { key, headers } of await readTopic(env, 'order-events')) {
    const id = String(key);
    const version = Number(headers?.['aggregateversion']);
    const before = versions.get(id) ?? [];
    if (!mayRepeat || !before.includes(version)) versions.set(id, [...before, version]);
  }
  const deadLetters = await Promise.all(
    ['orders', 'payments', 'inventory', 'notifications'].map((database) =>
      count(database, 'select count(*) as n from dead_letters where $1::uuid[] is not null'),
    ),
  );
  return {
    ...(await databases()),
    deadLetters: deadLetters.reduce((sum, n) => sum + n, 0),
    wrongOnTopic: ids.filter((id) => versions.get(id)?.join() !== '1,2'),
  };
}
