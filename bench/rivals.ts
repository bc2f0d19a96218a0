import { setTimeout as delay } from 'node:timers/promises';
import { setting } from '@walpost/native/settings';
import { eventType } from '@walpost/schemas/contract';
import { createRegistry } from '@walpost/schemas/registry';
import type postgres from 'postgres';
import { openSql, quiet } from './database.js';
import { placeOrders } from './http-load.js';
import { openProducer } from './kafka.js';
import { type Bench, BenchError, type Measurement, type Reference } from './measurement.js';
import { STREAM_PARTS } from './parts.js';
import { makePollable, startPollingRelay } from './rivals/polling-relay.js';
import { startService } from './service-process.js';

const CONNECTIONS = 64;
const POLLING = { interval: 100, batch: 500 };

/** What other ways of telling the others take: how many orders a second, and what they cost the database. */
export const rivals: Measurement = {
  name: 'rivals',
  summary: 'intake and database cost, against synchronous calls, publish after commit, and a polling outbox',
  parts: STREAM_PARTS,
  run,
};

async function run(bench: Bench): Promise<void> {
  const { quick, compare } = bench;
  const seconds = quick ? 1 : 3;
  const orders = openSql(bench, 'orders');
  const [payments, inventory] = [openSql(bench, 'payments'), openSql(bench, 'inventory')];
  await inventory`update stock set on_hand = 1000000000 where sku in ('BOOK-1', 'MUG-1')`;
  const walpost = await startService(bench, 'order', 'rivals-order');
  const services = await startRival(bench, 'called-services', 3);
  const calling = await startRival(bench, 'calling-shop', 4, { RIVAL_CALLS: services });
  const registry = createRegistry({ url: setting(bench.stack.env, 'SCHEMA_REGISTRY_URL') });
  const schemaId = String(await registry.idOf(eventType('OrderCreated')));
  const dual = await startRival(bench, 'dual-write-shop', 5, { RIVAL_SCHEMA_ID: schemaId });
  const producer = await openProducer(bench);

  const side = (label: string, url: string, settle = async () => undefined as unknown): Reference => ({
    label,
    async sample() {
      await quiet(orders);
      await orders`truncate orders, outbox`;
      await payments`truncate payments`;
      await inventory`truncate reservations`;
      await orders`checkpoint`;
      return costOf(orders, async () => {
        const rate = await placeOrders(url, CONNECTIONS, seconds);
        await settle();
        return rate;
      });
    },
  });
  const polling = side('polling outbox', walpost, () => allPublished(orders));
  for (const url of [walpost, calling, dual]) await placeOrders(url, 16, 2);
  await compare({
    title: `${CONNECTIONS} connections`,
    metrics: [
      { name: 'intake', unit: 'orders/s', better: 'more' },
      { name: 'write-ahead log', unit: 'bytes/order', better: 'less' },
      { name: 'transactions', unit: '1/order', better: 'less' },
    ],
    subject: side('Walpost', walpost),
    references: [
      side('synchronous calls', calling),
      side('publish after commit', dual),
      {
        ...polling,
        async sample() {
          await makePollable(orders);
          let failure: unknown;
          const relay = startPollingRelay(orders, producer, {
            ...POLLING,
            onError: (error) => {
              failure ??= error;
            },
          });
          try {
            const sample = await polling.sample();
            if (failure) throw new BenchError(`the polling relay failed: ${String(failure)}`);
            return sample;
          } finally {
            await relay.close();
            await orders`alter table outbox drop column published_at`;
          }
        },
      },
    ],
  });
}

/** Starts a rival's program on a spare port, and stops it when the measurement is over. @returns its base URL */
async function startRival(
  { stack, defer }: Bench,
  program: string,
  at: number,
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const port = stack.sparePorts[at];
  if (port === undefined) throw new Error('the stack has no spare port left');
  await stack.spawn(program, `bench/dist/rivals/${program}.js`, port, { ...env, RIVAL_PORT: String(port) });
  defer(() => stack.stop(program));
  return `http://127.0.0.1:${port}`;
}

/** What a load costs the server: all databases, whoever it was that wrote. */
async function costOf(sql: postgres.Sql, load: () => Promise<number>) {
  const look = async () => {
    // A backend reports what it did with a delay.
    await quiet(sql);
    const [row] = await sql<{ bytes: number; transactions: number; orders: number }[]>`
      select (pg_current_wal_lsn() - '0/0')::float8 as bytes, (select count(*)::float8 from orders) as orders,
        (select sum(xact_commit)::float8 from pg_stat_database) as transactions`;
    if (!row) throw new Error('no answer');
    return row;
  };
  const before = await look();
  const rate = await load();
  const after = await look();
  const placed = after.orders - before.orders;
  return {
    intake: placed > 0 ? rate : Number.NaN,
    'write-ahead log': (after.bytes - before.bytes) / placed,
    transactions: (after.transactions - before.transactions) / placed,
  };
}

const PUBLISHED_WITHIN = 120_000;

/** Waits until the polling relay has published what it is behind. */
async function allPublished(sql: postgres.Sql): Promise<void> {
  const until = Date.now() + PUBLISHED_WITHIN;
  for (;;) {
    const [row] = await sql<
      { n: number }[]
    >`select count(*)::int as n from outbox where published_at is null`;
    if (row?.n === 0) return;
    if (Date.now() > until) throw new BenchError(`the polling relay is ${row?.n} events behind`);
    await delay(100);
  }
}
