import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { sql } from 'drizzle-orm';
import { type Link, openLink } from 'walpost/testing/link';
import { openTestDatabase, type TestDatabase } from '../../../../tests/stack/database.ts';
import { type Database, openDatabase, type Tx } from '../database.ts';

/** More than any other array holds that is gone through beside a statement. */
const STATEMENTS = 1_000;
const BROKEN = ['ECONNRESET', 'EPIPE', 'CONNECTION_CLOSED', '57P01'];

/** Node's own errors are no instances of the `Error` that a test sees. */
function codeOf(error: unknown): string {
  const { cause, code } = error as { cause?: { code: string }; code?: string };
  return cause?.code ?? code ?? String(error);
}

let server: TestDatabase;
let link: Link;
const opened: Database[] = [];

beforeAll(async () => {
  server = await openTestDatabase('orders');
  await server.admin.unsafe(
    'create table first (id int primary key); create table second (id int primary key)',
  );
  await server.admin.unsafe(`grant all on first, second to "${server.options.user}"`);
});

beforeEach(async () => {
  link = await openLink(server.options.port);
});

afterEach(async () => {
  link.behave({ kind: 'open' });
  await Promise.all(opened.splice(0).map((database) => database.close()));
  await link.close();
});

afterAll(() => server.close());

function openByLink(connections: number): Database {
  const database = openDatabase({ ...server.options, port: link.port, connections });
  opened.push(database);
  return database;
}

/** @returns the length of the longest array that is gone through while `work` is under way */
async function longestSearched(work: () => Promise<void>): Promise<number> {
  const searches = jest.spyOn(Array.prototype, 'indexOf');
  try {
    await work();
    return Math.max(0, ...(searches.mock.contexts as unknown[][]).map(({ length }) => length));
  } finally {
    searches.mockRestore();
  }
}

test('the driver keeps no place for statements of long ago', async () => {
  // Intervals only: a timer that is set by one clock cannot be cleared by another.
  jest.useFakeTimers({
    doNotFake: [
      'Date',
      'hrtime',
      'nextTick',
      'performance',
      'queueMicrotask',
      'setImmediate',
      'clearImmediate',
      'setTimeout',
      'clearTimeout',
    ],
  });
  const { db, ping, close } = openDatabase({ ...server.options, connections: 3 });
  try {
    await Promise.all([1, 2, 3].map(() => db.execute(sql`select pg_sleep(0.1)`)));
    for (let asked = 0; asked < STATEMENTS; asked++) await ping();
    // A driver that is fixed fails here: then nobody needs to take its connections any more.
    expect(await longestSearched(ping)).toBeGreaterThanOrEqual(STATEMENTS);
    jest.advanceTimersByTime(60_000);
    await ping();
    expect(await longestSearched(ping)).toBeLessThan(STATEMENTS);
  } finally {
    await close();
    jest.useRealTimers();
  }
});

test('what is asked in the moment in which a connection breaks hears of it', async () => {
  const { db, ping } = openByLink(1);
  await ping();
  const asked = db.execute(sql`select pg_sleep(60)`).catch(() => ping());
  link.behave({ kind: 'cut' });
  expect(BROKEN).toContain(await asked.then(() => 'answered', codeOf));
  link.behave({ kind: 'open' });
  expect([...(await db.execute(sql`select 7 as n`))]).toEqual([{ n: 7 }]);
});

test('while connections break, every caller hears, and a transaction is whole or not there', async () => {
  const { db } = openByLink(10);
  let over = false;
  const written: number[] = [];
  let failures = 0;
  let last = 0;
  const write = async () => {
    while (!over) {
      const id = ++last;
      try {
        await db.transaction(async (tx) => {
          // Sent together, as the consumer does.
          const [answer] = await Promise.all([
            tx.execute(sql`select ${id}::int as n`),
            tx.execute(sql`select ${id}::int + 1 as n`),
          ]);
          expect([...answer]).toEqual([{ n: id }]);
          await tx.execute(sql`insert into first (id) values (${id})`);
          await tx.execute(sql`insert into second (id) values (${id})`);
        });
        written.push(id);
      } catch (error) {
        if (!BROKEN.includes(codeOf(error))) throw error;
        failures += 1;
      }
      await wait(5);
    }
  };
  const writers = Array.from({ length: 20 }, write);
  for (let cuts = 0; cuts < 12; cuts++) {
    await wait(300);
    link.behave({ kind: 'cut' });
    link.behave({ kind: 'open' });
  }
  over = true;
  await Promise.all(writers);
  expect(failures).toBeGreaterThan(0);
  const torn = await server.admin`select id from first full join second using (id)
    where first.id is null or second.id is null`;
  expect([...torn]).toEqual([]);
  const there = await server.admin`select id from first where id = any(${written})`;
  expect(there.length).toBe(written.length);
});

test('arrays arrive as they were given', async () => {
  const texts = ['', 'a,b', '{}', '"', '\\', '\\"', 'NULL', 'null', ' a\tb\n', 'ü😀', null];
  const uuids = ['0198a0b2-0000-7000-8000-000000000001'];
  const [row] = await server.db.execute(sql`select
    to_json(${sql.param(texts)}::text[]) as texts, to_json(${sql.param(uuids)}::uuid[]) as uuids,
    to_json(${sql.param([1, -2, null])}::integer[]) as integers, to_json(${sql.param([2 ** 53 - 1])}::bigint[]) as bigints,
    to_json(${sql.param([])}::text[]) as none`);
  expect(row).toEqual({ texts, uuids, integers: [1, -2, null], bigints: [2 ** 53 - 1], none: [] });
});

test('an instant may be a Date', async () => {
  const at = new Date('2026-11-30T20:46:59.316Z');
  const [row] = await server.db.execute(sql`select ${at} = '2026-11-30T20:46:59.316Z'::timestamptz as same,
    ${at}::date = '2026-11-30' as day`);
  expect(row).toEqual({ same: true, day: true });
});

/** Something to wait for, and what makes it happen. */
function moment(): [Promise<void>, () => void] {
  let happen: () => void = () => undefined;
  const happened = new Promise<void>((resolve) => {
    happen = resolve;
  });
  return [happened, happen];
}

/** How a transaction goes on after its connection has ended: whatever it does must reach nobody. */
const LATE: [string, (tx: Tx, id: number) => Promise<unknown>][] = [
  ['writes', (tx, id) => tx.execute(sql`insert into second (id) values (${id})`)],
  [
    'writes, and passes over the refusal',
    (tx, id) => tx.execute(sql`insert into second (id) values (${id})`).catch(() => 0),
  ],
  [
    'begins a savepoint',
    (tx, id) => tx.transaction((inner) => inner.execute(sql`insert into second (id) values (${id})`)),
  ],
  ['ends well, with COMMIT', async () => 'done'],
  ['fails, with ROLLBACK', () => Promise.reject(new Error('refused'))],
];

test.each(LATE)(
  'a transaction whose connection has ended, and which %s, reaches no other',
  async (_what, goOn) => {
    // One connection: the next transaction has it as soon as it is made again.
    const database = openDatabase({ ...server.options, connections: 1 });
    opened.push(database);
    const { db } = database;
    await server.admin`truncate first, second`;
    const rounds = 20;
    for (let id = 1; id <= rounds; id++) {
      const [isLate, goLate] = moment();
      const [isOver, over] = moment();
      const dying = db.transaction(async (tx) => {
        const [row] = await tx.execute<{ pid: number }>(sql`insert into first (id) values (${-id})
          returning pg_backend_pid() as pid`);
        await server.admin`select pg_terminate_backend(${row?.pid ?? 0})`;
        await isLate;
        await goOn(tx, -id).finally(() => setTimeout(over, 20));
      });
      expect(BROKEN).toContain(await dying.then(() => 'committed', codeOf));
      await db.transaction(async (tx) => {
        await tx.execute(sql`insert into first (id) values (${id})`);
        goLate();
        await isOver;
        await tx.execute(sql`insert into second (id) values (${id})`);
      });
    }
    const ids = Array.from({ length: rounds }, (_, at) => at + 1);
    const rows = await server.admin`select first.id from first full join second using (id) order by first.id`;
    expect(rows.map((row) => row['id'])).toEqual(ids);
    expect((await server.admin`select id from second`).length).toBe(rounds);
  },
);

test('a statement that nobody waited for does not come after its transaction', async () => {
  const late: Promise<string>[] = [];
  await server.admin`truncate first, second`;
  await server.db.transaction(async (tx) => {
    await tx.execute(sql`insert into first (id) values (1)`);
    late.push(
      wait(20).then(() => tx.execute(sql`insert into second (id) values (1)`).then(() => 'written', codeOf)),
    );
  });
  expect(await Promise.all(late)).toEqual(['TRANSACTION_ENDED']);
  expect([...(await server.admin`select id from second`)]).toEqual([]);
});

test('a transaction reports what went wrong first, not that it had gone wrong before', async () => {
  const failing = server.db.transaction(async (tx) => {
    await tx.execute(sql`select 1 / 0`).catch(() => undefined);
    await tx.execute(sql`select 1`);
  });
  expect(await failing.then(() => 'committed', codeOf)).toBe('22012');
});
