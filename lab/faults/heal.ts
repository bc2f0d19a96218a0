import { setTimeout as delay } from 'node:timers/promises';
import pTimeout from 'p-timeout';
import type postgres from 'postgres';
import { messageOf } from 'walpost/stack/stack-error';
import { flows, PLANTED, type Planted, type Topic, topics } from './evidence.ts';
import type { Lab } from './lab.ts';
import { connectors, parts, type Service, services } from './plan.ts';
import { walpost } from './relay.ts';

/** How long a part may take to serve again, s. */
const TIMEOUT_S = 240;
/** What moves has to get less within this time, s. */
const STANDS_STILL_S = 300;
const LOOK_EVERY_MS = 1_000;

/**
 * Sees to it that nothing stands in the way any more: links open, every part serving, every connector as it is to be.
 *
 * @returns what does not come back
 */
export async function heal(lab: Lab): Promise<string[]> {
  for (const proxy of lab.links.values()) proxy.behave({ kind: 'open' });
  const steps = [
    ...parts.map((part) => async () => {
      const message = `${part} to serve: not within ${TIMEOUT_S} s`;
      await pTimeout(lab.stack.ready(part), { milliseconds: TIMEOUT_S * 1000, message });
    }),
    ...connectors.map((name) => () => walpost(lab, 'connectors', 'apply', name)),
  ];
  const troubles: string[] = [];
  for (const step of steps) {
    await step().catch((error: unknown) => troubles.push(messageOf(error)));
  }
  return troubles;
}

/**
 * Closes the planted dead letters that hold up orders, and waits until nothing moves any more: no order or payment
 * under way, no e-mail waiting, every event seen by every consumer. A slow machine may take as long as it gets on.
 *
 * @param seconds in which what moves must get less, or consumers take events that they had not seen
 * @returns what still moves when it has not
 */
export async function waitUntilIdle(
  lab: Lab,
  planted: readonly Planted[],
  seconds = STANDS_STILL_S,
): Promise<string | undefined> {
  const waylaid = planted.filter(({ kind }) => kind === 'before-an-order');
  let least = Number.POSITIVE_INFINITY;
  let most = 0;
  let until = Date.now() + seconds * 1000;
  for (;;) {
    let said: string;
    try {
      for (const each of waylaid) await discard(lab, each);
      const taken = await countTaken(lab);
      const { left, text } = await movement(lab);
      if (left === 0) return undefined;
      // What consumers catch up with makes e-mails and refunds, so that for a while more waits than before.
      if (left < least || taken > most) until = Date.now() + seconds * 1000;
      least = Math.min(least, left);
      most = Math.max(most, taken);
      said = text;
    } catch (error) {
      said = messageOf(error);
    }
    if (Date.now() > until)
      return `the system did not become idle, and nothing got less for ${seconds} s: ${said}`;
    await delay(LOOK_EVERY_MS);
  }
}

async function discard(lab: Lab, { id, topic }: Planted): Promise<void> {
  for (const service of flows[topic as Topic].to) {
    const deadLetters = await lab.databases[service]<{ id: number }[]>`
      select id::int from dead_letters where state = 'dead' and headers @> ${lab.databases[service].json([[PLANTED, id]])}`;
    for (const deadLetter of deadLetters)
      await walpost(
        lab,
        'dead-letters',
        'discard',
        String(deadLetter.id),
        '--service',
        service,
        '--reason',
        'planted',
        '--yes',
      );
  }
}

/** How many events the consumers have taken; one that comes again is not counted again. */
async function countTaken({ databases }: Lab): Promise<number> {
  const counts = await Promise.all(
    services.map(async (each) => {
      const [row] = await databases[each]<{ n: number }[]>`select count(*)::int as n from inbox`;
      return row?.n ?? 0;
    }),
  );
  return counts.reduce((sum, n) => sum + n, 0);
}

interface Movement {
  /** How much of it there is; less than before when it gets on. */
  left: number;
  text: string;
}

/** What the consumers have not seen is less than anything else that moves, and asked for afterwards: it is much to read. */
const ELSE = 1e9;

/** What still moves. */
async function movement({ databases }: Lab): Promise<Movement> {
  const count = async (sql: postgres.Sql, what: string, from: string) => {
    const [row] = await sql.unsafe<{ n: number }[]>(`select count(*)::int as n from ${from}`);
    return { n: row?.n ?? 0, what };
  };
  const counts = await Promise.all([
    count(databases.order, 'orders are PENDING', `orders where status = 'PENDING'`),
    count(databases.payment, 'payments are under way', 'payments where next_attempt_at is not null'),
    count(databases.notification, 'e-mails wait', `emails where status = 'WAITING'`),
    ...services.map((each) =>
      count(databases[each], `dead letters of ${each} are parked`, `dead_letters where state = 'parked'`),
    ),
  ]);
  const moving = sumOf(counts);
  if (moving.left > 0) return { ...moving, left: ELSE + moving.left };
  const unseen: { n: number; what: string }[] = [];
  for (const topic of topics)
    for (const service of flows[topic].to) unseen.push(await countUnseen(databases, topic, service));
  return sumOf(unseen);
}

function sumOf(counts: readonly { n: number; what: string }[]): Movement {
  const some = counts.filter(({ n }) => n > 0);
  return {
    left: some.reduce((sum, { n }) => sum + n, 0),
    text: some.map(({ n, what }) => `${n} ${what}`).join(', '),
  };
}

/** How many events of a topic a consumer has not seen. */
async function countUnseen(
  databases: Readonly<Record<Service, postgres.Sql>>,
  topic: Topic,
  to: Service,
): Promise<{ n: number; what: string }> {
  const written = await databases[flows[topic].from]<{ id: string }[]>`select id::text from outbox`;
  const seen = await databases[to]<
    { id: string }[]
  >`select event_id::text as id from inbox where topic = ${topic}`;
  const ids = new Set(seen.map(({ id }) => id));
  return { n: written.filter(({ id }) => !ids.has(id)).length, what: `of ${topic} not seen by ${to}` };
}
