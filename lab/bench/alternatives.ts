import { setTimeout as delay } from 'node:timers/promises';
import { createRegistry } from '@walpost/kit/contract/registry';
import type postgres from 'postgres';
import { setting } from 'walpost/stack/settings';
import { makeOutboxes } from './alternatives/make-outboxes.ts';
import { ORDER_CREATED } from './alternatives/program.ts';
import { connectorsOf } from './connectors.ts';
import { openSql, quiet } from './database.ts';
import { costMeter } from './database-cost.ts';
import { paceOrders, placeCount, placeOrdersWhile } from './http-load.ts';
import { type Bench, BenchError, type Measurement, type Side } from './measurement.ts';
import { STREAM_PARTS } from './parts.ts';
import { startProgram, startService } from './service-process.ts';
import { percentile } from './statistics.ts';

const CONNECTIONS = 64;
const ORDERS = 5_000;
/** Orders a second at which nobody has to wait for anybody. */
const CALM = 50;
const KILLS = 3;
const COMPLETED_WITHIN = 180_000;
/** What has not been acted on when nothing has happened for so long, ms, never will be. */
const LAST_HEARD = 10_000;

/** What other ways of notifying the others take, cost, and lose. */
export const alternatives: Measurement = {
  name: 'alternatives',
  summary:
    'the same orders by synchronous calls, publish after commit, a polled outbox, and pg-transactional-outbox',
  parts: STREAM_PARTS,
  takesLong: true,
  run,
};

/** A way of taking orders in and having the others act on them. */
interface Way {
  label: string;
  /** The process to kill. */
  process: string;
  url: string;
  /** It may lose what it took in without being killed: nobody waits for that. */
  mayLose?: true;
}

interface Databases {
  orders: postgres.Sql;
  payments: postgres.Sql;
  inventory: postgres.Sql;
}

async function run(bench: Bench): Promise<void> {
  const { stack, quick, say, compare, note } = bench;
  const registry = createRegistry({ url: setting(stack.env, 'SCHEMA_REGISTRY_URL') });
  const schemaId = String(await registry.idOf(ORDER_CREATED));
  const meter = await costMeter(bench);
  const databases = {
    orders: openSql(bench, 'orders'),
    payments: openSql(bench, 'payments'),
    inventory: openSql(bench, 'inventory'),
  };
  const { orders, inventory } = databases;
  await inventory`update stock set on_hand = 1000000000 where sku in ('BOOK-1', 'MUG-1')`;
  await makeOutboxes(orders);
  say('starting the services');
  await connectorsOf(stack).apply(['order-outbox']);
  const ways = await startWays(bench, { ALTERNATIVE_SCHEMA_ID: schemaId });
  await startService(bench, 'payment');
  await startService(bench, 'inventory');

  const seconds = quick ? 1 : 6;
  const unheard = new Map<string, { placed: number; lost: number }>();
  const side = ({ label, url, mayLose }: Way): Side => ({
    label,
    async sample() {
      const complete = async () => {
        const { found, at } = await completed(databases, mayLose);
        const { placed, lost } = unheard.get(label) ?? { placed: 0, lost: 0 };
        unheard.set(label, { placed: placed + found.orders, lost: lost + found.orders - found.payments });
        return at;
      };
      await clean(databases);
      const { rate, cost } = await meter(async () => {
        const begun = Date.now();
        const taken = await placeCount(url, CONNECTIONS, quick ? 500 : ORDERS);
        return { rate: taken, seconds: ((await complete()) - begun) / 1_000 };
      });
      await clean(databases);
      await paceOrders(url, CALM, seconds);
      await complete();
      return { intake: rate, ...cost, ...(await latencies(databases)) };
    },
  });
  // The first sample would be that of JVMs and processes that have just started.
  for (const { label, url, mayLose } of ways) {
    say(`warming up: ${label}`);
    await clean(databases);
    await placeCount(url, CONNECTIONS, quick ? 500 : ORDERS);
    await paceOrders(url, CALM, 1);
    await completed(databases, mayLose);
  }
  const [walpost, ...others] = ways.map(side);
  if (!walpost) throw new Error('there is no subject');
  await compare({
    title: `${CONNECTIONS} connections, payment and inventory acting`,
    metrics: [
      { name: 'intake', unit: 'orders/s', better: 'more' },
      { name: 'until all have acted', unit: 'orders/s', better: 'more' },
      { name: 'write-ahead log', unit: 'bytes/order', better: 'less' },
      { name: 'transactions', unit: '1/order', better: 'less' },
      { name: 'statements', unit: 'ms/order', better: 'less' },
      { name: `to the payment at ${CALM}/s, p50`, unit: 'ms', better: 'less' },
      { name: `to the payment at ${CALM}/s, p99`, unit: 'ms', better: 'less' },
    ],
    subject: walpost,
    references: others,
  });
  for (const [label, { placed, lost }] of unheard)
    if (lost > 0)
      note(`${label}, though nobody was killed: of ${placed} committed orders ${lost} never reached payment`);
  for (const way of ways) note(await killed(bench, way, databases));
}

/** Starts one process for each way. */
async function startWays(bench: Bench, schema: Record<string, string>): Promise<Way[]> {
  const start = async (label: string, process: string, at: number, env: Record<string, string> = schema) => ({
    label,
    process,
    url: await startProgram(bench, process, at, env),
  });
  const called = await startProgram(bench, 'called-services', 4, {});
  const ours = 'alternatives-order';
  return [
    { label: 'Walpost', process: ours, url: await startService(bench, 'order', { name: ours }) },
    await start('synchronous calls', 'calling-shop', 5, { ALTERNATIVE_CALLS: called }),
    await start('publish after commit', 'dual-write-shop', 6),
    await start('polled outbox, 100 ms', 'polling-shop', 7),
    // It hears of a row before others can see it, then says MESSAGE_NOT_FOUND, and passes over it.
    { ...(await start('pg-transactional-outbox', 'tailing-shop', 8)), mayLose: true },
  ];
}

async function clean({ orders, payments, inventory }: Databases): Promise<void> {
  for (const sql of [orders, payments, inventory]) await quiet(sql);
  await orders`truncate orders, outbox, polled_outbox, tailed_outbox`;
  await payments`truncate payments, inbox, outbox`;
  await inventory`truncate reservations, inbox, outbox`;
  await orders`checkpoint`;
}

interface Effects {
  orders: number;
  payments: number;
  reserved: number;
}

async function effects({ orders, payments, inventory }: Databases): Promise<Effects> {
  const [[order], [payment], [reservation]] = await Promise.all([
    orders<{ n: number }[]>`select count(*)::int as n from orders`,
    payments<{ n: number }[]>`select count(*)::int as n from payments`,
    inventory<{ n: number }[]>`select count(distinct order_id)::int as n from reservations`,
  ]);
  return { orders: order?.n ?? 0, payments: payment?.n ?? 0, reserved: reservation?.n ?? 0 };
}

/**
 * Waits until payment and inventory have acted on every order.
 *
 * @param mayLose be content when nothing has happened for a while
 * @returns what was found, and when it was first so
 */
async function completed(databases: Databases, mayLose?: true): Promise<{ found: Effects; at: number }> {
  const until = Date.now() + COMPLETED_WITHIN;
  let last = '';
  let at = Date.now();
  for (;;) {
    const found = await effects(databases);
    const now = JSON.stringify(found);
    if (now !== last) at = Date.now();
    last = now;
    const acted = found.payments >= found.orders && found.reserved >= found.orders;
    if (acted && (await relayRests(databases.orders))) return { found, at: Date.now() };
    if (mayLose && Date.now() > at + LAST_HEARD) return { found, at };
    if (Date.now() > until) throw new BenchError(`not all have acted on all orders: ${now}`);
    await delay(50);
  }
}

/** Whether the relay that marks what it has sent is done with it. */
async function relayRests(orders: postgres.Sql): Promise<boolean> {
  const [row] = await orders<{ n: number }[]>`
    select count(*)::int as n from polled_outbox where published_at is null`;
  return row?.n === 0;
}

/** From the decision of an order to that of its payment, ms. */
async function latencies({ orders, payments }: Databases): Promise<Record<string, number>> {
  const instant = (sql: postgres.Sql) => sql`extract(epoch from created_at)::float8 * 1000 as at`;
  const placed = await orders<{ id: string; at: number }[]>`select id, ${instant(orders)} from orders`;
  const acted = await payments<{ id: string; at: number }[]>`
    select order_id as id, ${instant(payments)} from payments`;
  const at = new Map(acted.map((payment) => [payment.id, payment.at]));
  const sorted = placed
    .flatMap((order) => {
      const actedAt = at.get(order.id);
      return actedAt === undefined ? [] : [actedAt - order.at];
    })
    .sort((a, b) => a - b);
  return {
    [`to the payment at ${CALM}/s, p50`]: percentile(sorted, 0.5),
    [`to the payment at ${CALM}/s, p99`]: percentile(sorted, 0.99),
  };
}

/** Kills a way's process under load, several times. @returns what that left undone, for good, in words */
async function killed({ stack, say }: Bench, way: Way, databases: Databases): Promise<string> {
  say(`killing ${way.process}`);
  await clean(databases);
  for (let kill = 0; kill < KILLS; kill++) {
    await placeOrdersWhile(way.url, CONNECTIONS, async () => {
      const { orders } = await effects(databases);
      while ((await effects(databases)).orders < orders + 200) await delay(10);
      await stack.kill(way.process);
    });
    await stack.ready(way.process);
  }
  const { found: last } = await completed(databases, true);
  const unpaid = last.orders - last.payments;
  const unreserved = last.orders - last.reserved;
  return `${way.label}, its process killed ${KILLS} times under load: of ${last.orders} committed orders ${unpaid} never reached payment, ${unreserved} never inventory`;
}
