import type postgres from 'postgres';
import { flows, PLANTED, type Planted, type Topic, topics } from './evidence.js';
import type { Lab } from './lab.js';
import { eventually } from './patience.js';
import { connectors, parts, type Service, services } from './plan.js';
import { walpost } from './relay.js';

/** How long a part may take to serve again, s. */
const PATIENCE_S = 240;

/**
 * Sees to it that nothing stands in the way any more: links open, every part serving, every connector as it is to be.
 *
 * @returns what does not come back
 */
export async function heal(lab: Lab): Promise<string[]> {
  for (const proxy of lab.links.values()) proxy.behave({ kind: 'open' });
  const steps = [
    ...parts.map((part) => async () => {
      await within(`${part} to serve`, PATIENCE_S, lab.stack.ready(part));
    }),
    ...connectors.map((name) => () => walpost(lab, 'connectors', 'apply', name)),
  ];
  const troubles: string[] = [];
  for (const step of steps) {
    await step().catch((error: unknown) =>
      troubles.push(error instanceof Error ? error.message : String(error)),
    );
  }
  return troubles;
}

/**
 * Settles the planted letters that hold up orders, and waits until nothing moves any more: no order or payment under
 * way, no e-mail waiting, every event seen by every consumer.
 *
 * @returns what still moves when the time is up
 */
export async function settle(
  lab: Lab,
  planted: readonly Planted[],
  seconds: number,
): Promise<string | undefined> {
  const waylaid = planted.filter(({ kind }) => kind === 'before-an-order');
  let moving = 'not looked yet';
  try {
    await eventually('coming to rest', seconds, async () => {
      for (const each of waylaid) await discard(lab, each);
      moving = await movement(lab);
      return moving === '' ? true : undefined;
    });
    return undefined;
  } catch (error) {
    return `the system did not come to rest within ${seconds} s: ${moving || (error instanceof Error ? error.message : error)}`;
  }
}

async function discard(lab: Lab, { id, topic }: Planted): Promise<void> {
  for (const service of flows[topic as Topic].to) {
    const letters = await lab.databases[service]<{ id: number }[]>`
      select id::int from dead_letters where state = 'dead' and headers @> ${lab.databases[service].json([[PLANTED, id]])}`;
    for (const letter of letters)
      await walpost(
        lab,
        'dead-letters',
        'discard',
        String(letter.id),
        '--service',
        service,
        '--reason',
        'planted',
        '--yes',
      );
  }
}

/** What still moves, in words. What the consumers have not seen is only asked for when nothing else does: it is much to read. */
async function movement({ databases }: Lab): Promise<string> {
  const count = async (sql: postgres.Sql, what: string, from: string) => {
    const [row] = await sql.unsafe<{ n: number }[]>(`select count(*)::int as n from ${from}`);
    return row && row.n > 0 ? [`${row.n} ${what}`] : [];
  };
  const counts = await Promise.all([
    count(databases.order, 'orders are PENDING', `orders where status = 'PENDING'`),
    count(databases.payment, 'payments are under way', 'payments where next_attempt_at is not null'),
    count(databases.notification, 'e-mails wait', `emails where status = 'WAITING'`),
    ...services.map((each) =>
      count(databases[each], `letters of ${each} are parked`, `dead_letters where state = 'parked'`),
    ),
  ]);
  const moving = counts.flat();
  if (moving.length > 0) return moving.join(', ');
  const behind: string[] = [];
  for (const topic of topics)
    for (const service of flows[topic].to) behind.push(...(await unseen(databases, topic, service)));
  return behind.join(', ');
}

/** How many events of a topic a consumer has not seen. */
async function unseen(
  databases: Readonly<Record<Service, postgres.Sql>>,
  topic: Topic,
  to: Service,
): Promise<string[]> {
  const written = await databases[flows[topic].from]<{ id: string }[]>`select id::text from outbox`;
  const seen = await databases[to]<
    { id: string }[]
  >`select event_id::text as id from inbox where topic = ${topic}`;
  const ids = new Set(seen.map(({ id }) => id));
  const missing = written.filter(({ id }) => !ids.has(id)).length;
  return missing > 0 ? [`${to} has not seen ${missing} of ${topic}`] : [];
}

async function within<T>(what: string, seconds: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${seconds} s`)), seconds * 1000);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
