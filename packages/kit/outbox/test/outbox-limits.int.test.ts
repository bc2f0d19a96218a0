import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import postgres from 'postgres';
import { openTestDatabase, type TestDatabase } from '../../../../tests/stack/database.ts';
import { classify } from '../../consumer/failure.ts';
import { EventTooLargeError, MAX_PAYLOAD_BYTES, type OutboxRow, publish } from '../outbox.ts';

const CHECK_VIOLATION = '23514';
const NOT_ALLOWED = '42501';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase('inventory');
});
beforeEach(async () => {
  await database.admin`truncate outbox`;
});
afterAll(() => database?.close());

/** The driver would make a Date of an instant, and infinity is none. */
const AS_TEXT = { to: 1184, from: [1184], serialize: String, parse: String };

/** As the service logs in: the least that somebody who writes by hand can do. */
async function asApp<T>(work: (sql: postgres.Sql) => Promise<T>): Promise<T> {
  const { host, port, user, password, database: name } = database.options;
  const sql = postgres({
    host,
    port,
    user,
    password,
    database: name,
    max: 1,
    fetch_types: false,
    types: { date: AS_TEXT },
  });
  try {
    return await work(sql);
  } finally {
    await sql.end();
  }
}

const good = {
  id: '0195f2a0-0000-7000-8000-000000000001',
  aggregatetype: 'inventory',
  aggregateid: 'a',
  aggregateversion: 1,
  type: 'walpost.inventory.StockReserved',
  payload: Buffer.alloc(10) as Buffer | null,
  ce_source: '/walpost/inventory-service' as string | null,
  ce_specversion: '1.0',
  content_type: 'application/avro',
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  created_at: '2026-11-29T00:00:00Z',
};

function insert(row: Partial<typeof good>): Promise<unknown> {
  return asApp(
    (sql) => sql`insert into outbox ${sql({ ...good, ...row } as unknown as Record<string, string>)}`,
  );
}

const largest = {
  aggregateid: 'k'.repeat(200),
  payload: randomBytes(MAX_PAYLOAD_BYTES),
  ce_source: 's'.repeat(200),
  content_type: 'c'.repeat(200),
  traceparent: 't'.repeat(200),
};

test.each<[string, Partial<typeof good>]>([
  ['an ordinary one', {}],
  ['the largest payload, key and headers', largest],
  ['a key of two hundred bytes in letters beyond ASCII', { aggregateid: 'é'.repeat(100) }],
  ['a key with spaces, quotes and a line break', { aggregateid: `a "b'\n\t` }],
  ['an empty payload', { payload: Buffer.alloc(0) }],
  ['the first instant', { created_at: '2000-01-01T00:00:00Z' }],
  ['the last instant', { created_at: '2199-12-31T23:59:59.999999Z' }],
])('a row is taken: %s', async (_what, row) => {
  await insert(row);
  expect(await database.admin`select from outbox`).toHaveLength(1);
});

test.each<[string, Partial<typeof good>, string?]>([
  ['a payload of one byte more', { payload: randomBytes(MAX_PAYLOAD_BYTES + 1) }],
  ['a payload of two megabytes', { payload: Buffer.alloc(2_000_000) }],
  ['an empty key', { aggregateid: '' }],
  ['a key of one byte more', { aggregateid: 'k'.repeat(201) }],
  ['a key of too many bytes in few letters', { aggregateid: 'é'.repeat(101) }],
  ['a source of one byte more', { ce_source: 's'.repeat(201) }],
  ['a content type of one byte more', { content_type: 'c'.repeat(201) }],
  ['a trace of one byte more', { traceparent: 't'.repeat(201) }],
  ['a specversion of one byte more', { ce_specversion: '1'.repeat(21) }],
  ['a header of a megabyte', { ce_source: 's'.repeat(1_000_000) }],
  ['no trace', { traceparent: '' }],
  ['an event of another service', { aggregatetype: 'payment', type: 'walpost.payments.PaymentAuthorized' }],
  ['an own event for a topic of another', { aggregatetype: 'payment' }],
  ['a foreign event for its own topic', { type: 'walpost.payments.PaymentAuthorized' }],
  ['a type that nobody knows', { type: 'walpost.inventory.StockEaten' }],
  ['a type in other letters', { type: 'walpost.inventory.stockreserved' }],
  ['a topic that nobody has', { aggregatetype: 'nonsense' }],
  ['no topic', { aggregatetype: '' }],
  ['infinity', { created_at: 'infinity' }],
  ['minus infinity', { created_at: '-infinity' }],
  ['the last year that Postgres knows', { created_at: '294276-12-31T00:00:00Z' }],
  ['a year before Christ', { created_at: '4713-01-01 00:00:00Z BC' }],
  ['the year 1999', { created_at: '1999-12-31T23:59:59Z' }],
  ['version 0', { aggregateversion: 0 }],
  ['no payload', { payload: null }, '23502'],
  ['no source', { ce_source: null }, '23502'],
])('a row is refused: %s', async (_what, row, code = CHECK_VIOLATION) => {
  await expect(insert(row)).rejects.toMatchObject({ code });
});

test.each([
  ['update', 'update outbox set aggregateid = aggregateid'],
  ['delete', 'delete from outbox'],
  ['truncate', 'truncate outbox'],
  ['a partition written past the table', `insert into outbox_default default values`],
  ['a constraint taken away', 'alter table outbox drop constraint outbox_publishes'],
  ['a publication of its own', 'create publication another for table outbox'],
  ['a table of its own', 'create table public.other (a int)'],
  ['a temporary table', 'create temporary table other (a int)'],
])('a service may not: %s', async (_what, statement) => {
  await expect(asApp((sql) => sql.unsafe(statement))).rejects.toMatchObject({ code: NOT_ALLOWED });
});

const row: OutboxRow = {
  ...good,
  payload: Buffer.alloc(MAX_PAYLOAD_BYTES),
  ceSource: '/walpost/inventory-service',
  ceSpecversion: '1.0',
  contentType: 'application/avro',
  createdAt: new Date(),
};

test('publishing what is too large is a typed error before anything is written, and a dead letter at once', async () => {
  await database.db.transaction((tx) => publish(tx, [row]));
  const large = { ...row, aggregateid: 'b', payload: Buffer.alloc(MAX_PAYLOAD_BYTES + 1) };
  const error = await database.db
    .transaction((tx) => publish(tx, [{ ...row, aggregateid: 'c' }, large]))
    .then(
      () => undefined,
      (reason: unknown) => reason,
    );
  expect(error).toBeInstanceOf(EventTooLargeError);
  expect(error).toMatchObject({ code: 'event-too-large', retryable: false });
  expect(classify(error)).toBe('dead-letter');
  expect(await database.admin`select aggregateid from outbox`).toEqual([{ aggregateid: 'a' }]);
});

test.each(['app', 'observer', 'dlq_operator'])(
  '%s may write no logical message, of any kind',
  async (who) => {
    const { host, port, database: name } = database.options;
    const login = {
      app: { user: database.options.user, password: database.options.password },
      observer: { user: 'observer', password: process.env['OBSERVER_PASSWORD'] ?? '' },
      dlq_operator: { user: 'dlq_operator', password: process.env['DLQ_OPERATOR_PASSWORD'] ?? '' },
    }[who];
    const sql = postgres({ host, port, database: name, ...login, max: 1, fetch_types: false });
    try {
      for (const call of [
        `pg_logical_emit_message(true, 'x', 'y')`,
        `pg_logical_emit_message(false, 'heartbeat', 'y')`,
        `pg_logical_emit_message(false, 'x', 'y'::bytea)`,
        `pg_logical_emit_message(true, 'x', 'y', true)`,
        `pg_logical_emit_message(true, 'x', 'y'::bytea, true)`,
      ]) {
        await expect(sql.unsafe(`select ${call}`)).rejects.toMatchObject({ code: NOT_ALLOWED });
      }
    } finally {
      await sql.end();
    }
  },
);

test('of the roles only the relay’s may: its heartbeats are such messages', async () => {
  const rows = await database.admin`
    select rolname, count(*) filter (where has_function_privilege(rolname, p.oid, 'execute'))::int as may, count(*)::int as all
    from pg_roles, pg_proc p where proname = 'pg_logical_emit_message'
      and rolname in ('cdc', 'observer', 'dlq_operator', ${database.options.user}) group by rolname`;
  expect(rows).toHaveLength(4);
  for (const { rolname, may, all } of rows)
    expect([rolname, may]).toEqual([rolname, rolname === 'cdc' ? all : 0]);
});

test('rows from before the limits stay, and daily partitions that are made later have them', async () => {
  const { admin } = database;
  const states = await admin<{ convalidated: boolean }[]>`select convalidated from pg_constraint
    where conrelid = 'outbox'::regclass and contype = 'c' and conname <> 'outbox_aggregateversion_check'`;
  expect(states).toHaveLength(5);
  expect(states.every(({ convalidated }) => !convalidated)).toBe(true);
  const parts = await admin`select c.relname from pg_inherits join pg_class c on c.oid = inhrelid
    where inhparent = 'outbox'::regclass and not exists (
      select from pg_constraint where conrelid = c.oid and conname = 'outbox_publishes')`;
  expect(parts).toEqual([]);
});
