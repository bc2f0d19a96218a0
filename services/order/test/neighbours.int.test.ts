import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { handleBatch, ignore } from '@walpost/kit/consumer/handle-batch';
import { pruneInbox } from '@walpost/kit/consumer/prune-inbox';
import type { App } from '@walpost/kit/http/http';
import { createOutboxEncoder } from '@walpost/kit/outbox/outbox';
import { markPosition } from '@walpost/kit/outbox/outbox-maintenance';
import { type Database, openDatabase } from '@walpost/kit/postgres/database';
import { createLogger } from '@walpost/kit/telemetry/logger';
import type postgres from 'postgres';
import { v7 as uuidv7 } from 'uuid';
import { received } from 'walpost/testing/received';
import { type Ask, serve } from 'walpost/testing/serve';
import { eventually } from 'walpost/testing/support';
import { contract } from '../../../schemas/contract.generated.ts';
import { openTestDatabase, type TestDatabase } from '../../../tests/stack/database.ts';
import { buildApp } from '../app.ts';
import { onReply } from '../on-reply.ts';

const encode = createOutboxEncoder(contract, '/walpost/order-service', () => 1);
const clock = () => new Date();
const CANCELS = 25;

let database: TestDatabase;
let app: App;
let ask: Ask;
/** The connections of a service by purpose, as many as it has. */
let pools: Record<'intake' | 'cancels' | 'reads' | 'consumer' | 'housekeeping' | 'probes', Database>;

beforeAll(async () => {
  database = await openTestDatabase('orders');
  const open = (connections: number) =>
    openDatabase({ ...database.options, connections, lockTimeout: 14_000 });
  pools = {
    intake: open(5),
    cancels: open(3),
    reads: open(3),
    consumer: open(4),
    housekeeping: open(4),
    probes: open(1),
  };
  app = await buildApp({
    databases: { intake: pools.intake.db, cancels: pools.cancels.db, reads: pools.reads.db },
    encode,
    clock,
    logger: createLogger('test', 'silent'),
    readiness: { database: pools.probes.ping },
  });
  ask = await serve(app);
});
afterEach(() => database.admin`truncate inbox`);
afterAll(async () => {
  await app?.close();
  await Promise.all(Object.values(pools).map(({ close }) => close()));
  await database?.close();
});

async function place(customerId: string): Promise<string> {
  const items = [{ sku: 'BOOK-1', quantity: 1, unitPrice: 1250 }];
  const answer = await ask('/orders', { method: 'POST', body: { customerId, currency: 'EUR', items } });
  expect([answer.status, answer.text]).toEqual([201, expect.any(String)]);
  return answer.json.id;
}

const statusOf = async (path: string, method = 'GET') => (await ask(path, { method })).status;

/** What others want while somebody's order, or a table, is locked; each is tried with all of the lock's victims waiting. */
const NEIGHBOURS: Record<string, (other: string) => Promise<unknown>> = {
  'another order is placed': () => place('bob'),
  'another order is read': async (other) => expect(await statusOf(`/orders/${other}`)).toBe(200),
  'another order is cancelled': async (other) =>
    expect(await statusOf(`/orders/${other}/cancel`, 'POST')).toBe(200),
  'another order is answered by an event': (other) =>
    handleBatch(pools.consumer.db, onReply(encode, clock), [
      received({ type: 'StockReserved', data: { orderId: other, items: [], reservedAt: 1 } }),
    ]),
  'the outbox is maintained': () => markPosition(pools.housekeeping.db),
  'the inbox is pruned': () => pruneInbox(pools.housekeeping.db, 14, new AbortController().signal),
  'a probe is answered': async () => expect(await statusOf('/health/ready')).toBe(200),
};

test.each(Object.entries(NEIGHBOURS))(
  `while an order is locked and ${CANCELS} requests want to cancel it, %s`,
  async (_name, neighbour) => {
    const [locked, other] = [await place('ada'), await place('bob')];
    let answered = 0;
    let cancels: Promise<number>[] = [];
    await database.admin.begin(async (tx) => {
      await tx`select from orders where id = ${locked} for update`;
      cancels = Array.from({ length: CANCELS }, async () => {
        const status = await statusOf(`/orders/${locked}/cancel`, 'POST');
        answered += 1;
        return status;
      });
      await eventually(async () => ((await waiting(tx)) > 0 ? true : undefined));
      await neighbour(other);
      // It has not waited for any of them.
      expect(answered).toBe(0);
    });
    const statuses = (await Promise.all(cancels)).toSorted();
    expect(statuses).toEqual([200, ...Array.from({ length: CANCELS - 1 }, () => 409)]);
  },
);

const prune = () => pruneInbox(pools.housekeeping.db, 14, new AbortController().signal);
const reply = () =>
  handleBatch(pools.consumer.db, { PaymentRefunded: ignore }, [
    received({
      type: 'PaymentRefunded',
      data: { orderId: uuidv7(), paymentId: uuidv7(), amount: 1, currency: 'EUR', refundedAt: 1 },
    }),
  ]);

/** A table that is locked, who then waits for it, in whatever number, and who goes on. */
const LOCKS: [string, () => Promise<unknown>, (keyof typeof NEIGHBOURS)[]][] = [
  ['dead_letters', reply, ['another order is placed', 'another order is read', 'a probe is answered']],
  ['dead_letters', reply, ['another order is cancelled', 'the outbox is maintained']],
  ['inbox', prune, ['another order is placed', 'another order is cancelled', 'a probe is answered']],
  [
    'outbox_marks',
    () => pools.housekeeping.db.execute('select outbox_pending()'),
    ['another order is placed', 'another order is answered by an event', 'a probe is answered'],
  ],
  [
    'orders',
    () => ask(`/orders/${uuidv7()}`),
    ['the outbox is maintained', 'the inbox is pruned', 'a probe is answered'],
  ],
];

test.each(LOCKS)('while the table %s is locked, the others go on', async (table, want, goOn) => {
  const other = await place('bob');
  let victims: Promise<void>[] = [];
  let answered = 0;
  await database.admin.begin(async (tx) => {
    await tx.unsafe(`lock table ${table} in access exclusive mode`);
    victims = Array.from({ length: CANCELS }, async () => {
      await want();
      answered += 1;
    });
    await eventually(async () => ((await waiting(tx)) > 0 ? true : undefined));
    for (const name of goOn) await NEIGHBOURS[name]?.(other);
    expect(answered).toBe(0);
  });
  await Promise.all(victims);
});

/** How many wait for a lock in this database. Not by pg_stat_activity, which stays the same within a transaction. */
async function waiting(tx: postgres.TransactionSql): Promise<number> {
  const [row] = await tx`
    select count(*)::int as n from pg_locks where not granted and pid in (
      select pid from pg_locks
      where database = (select oid from pg_database where datname = current_database()))`;
  return row?.['n'];
}
