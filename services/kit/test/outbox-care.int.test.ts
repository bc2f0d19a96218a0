import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { openTestDatabase, type TestDatabase } from '../../../tests/stack/database.js';
import { eventually } from '../../../tests/support.js';
import { exposeOutbox } from '../metrics/outbox.js';
import { registry, renderMetrics } from '../metrics/registry.js';
import { dropPartitions, makePartitions, markPosition } from '../outbox-care.js';

const SLOT = 'order_outbox';
const DAY = 86_400_000;

let database: TestDatabase;
let admin: TestDatabase['admin'];

beforeAll(async () => {
  database = await openTestDatabase('orders');
  admin = database.admin;
});
beforeEach(async () => {
  await dropSlot();
  await admin`truncate outbox, outbox_marks, outbox_positions`;
  for (const name of await partitions('past')) await admin.unsafe(`drop table ${name}`);
  await admin`select pg_create_logical_replication_slot(${SLOT}, 'pgoutput')`;
});
afterAll(async () => {
  if (database) await dropSlot();
  await database?.close();
});

async function dropSlot(): Promise<void> {
  await admin`select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = ${SLOT}`;
}

/** What a connector that has read everything confirms. */
async function confirmAll(): Promise<void> {
  await admin`select pg_logical_emit_message(false, 'test', 'x', true)`;
  await admin`select pg_replication_slot_advance(${SLOT}, pg_current_wal_lsn())`;
}

/** A mark as of now; the function itself makes one every few seconds at most. */
async function mark(): Promise<void> {
  await admin`update outbox_marks set at = at - interval '5 seconds'`;
  await markPosition(database.db);
}

async function insertRow(createdAt: Date): Promise<void> {
  await admin`insert into outbox (id, aggregatetype, aggregateid, aggregateversion, type, payload, ce_source, traceparent, created_at)
    values (gen_random_uuid(), 'order', 'a', 1, 't', '\\x00', 's', 'p', ${createdAt})`;
}

/** Makes the partition of a day in the past, with a row. */
async function day(daysAgo: number): Promise<string> {
  const start = new Date(Math.floor(Date.now() / DAY - daysAgo) * DAY);
  const name = `outbox_${start.toISOString().slice(0, 10).replaceAll('-', '')}`;
  const end = new Date(start.getTime() + DAY);
  await admin.unsafe(`create table if not exists ${name} partition of outbox
    for values from ('${start.toISOString()}') to ('${end.toISOString()}')`);
  await admin.unsafe(`alter table ${name} owner to "${database.name}_owner"`);
  await insertRow(new Date(start.getTime() + 3_600_000));
  return name;
}

/** Names of partitions of days before today, or of days to come. */
async function partitions(which: 'past' | 'ahead'): Promise<string[]> {
  const today = `outbox_${new Date().toISOString().slice(0, 10).replaceAll('-', '')}`;
  const rows = await admin<{ relname: string }[]>`select relname from pg_class
    where relkind = 'r' and relname ~ '^outbox_[0-9]{8}$' order by relname`;
  return rows
    .map(({ relname }) => relname)
    .filter((name) => (which === 'past' ? name < today : name > today));
}

test('confirmed days are dropped after their time, the younger ones stay', async () => {
  const old = [await day(20), await day(9)];
  const young = await day(3);
  await mark();
  await confirmAll();
  expect(await dropPartitions(database.db, 7)).toBe(0);
  expect(await partitions('past')).toEqual([...old, young]);
  // The slot moves on, and that shows that its connector reads the log.
  await confirmAll();
  expect(await dropPartitions(database.db, 7)).toBe(2);
  expect(await partitions('past')).toEqual([young]);
});

test('what a held slot has not confirmed is never dropped, however often and long it is tried', async () => {
  const old = await day(20);
  await mark();
  for (let turn = 0; turn < 3; turn++) {
    await mark();
    expect(await dropPartitions(database.db, 7)).toBe(0);
  }
  expect(await partitions('past')).toEqual([old]);
  expect(await admin`select from outbox where created_at < now() - interval '10 days'`).toHaveLength(1);
});

test('without its slot, and with one that was made anew and has read nothing yet, nothing is dropped', async () => {
  const old = await day(20);
  await mark();
  await confirmAll();
  await dropPartitions(database.db, 7);
  await dropSlot();
  expect(await dropPartitions(database.db, 7)).toBe(0);
  // Its position is the end of the log, while the connector has the whole table still to read.
  await admin`select pg_create_logical_replication_slot(${SLOT}, 'pgoutput')`;
  await mark();
  expect(await dropPartitions(database.db, 7)).toBe(0);
  expect(await dropPartitions(database.db, 7)).toBe(0);
  expect(await partitions('past')).toEqual([old]);
  await confirmAll();
  expect(await dropPartitions(database.db, 7)).toBe(1);
});

test('one slot that stands still holds back what another has confirmed', async () => {
  await day(20);
  await admin`select pg_create_logical_replication_slot('second_reader', 'pgoutput')`;
  try {
    for (let turn = 0; turn < 3; turn++) {
      await mark();
      await confirmAll();
      expect(await dropPartitions(database.db, 7)).toBe(0);
    }
  } finally {
    await admin`select pg_drop_replication_slot('second_reader')`;
  }
});

test('rows of the default partition are deleted on the same terms', async () => {
  await insertRow(new Date(Date.now() - 20 * DAY));
  await mark();
  expect(await dropPartitions(database.db, 7)).toBe(0);
  expect(await admin`select from outbox_default`).toHaveLength(1);
  await confirmAll();
  await dropPartitions(database.db, 7);
  await confirmAll();
  await dropPartitions(database.db, 7);
  expect(await admin`select from outbox_default`).toHaveLength(0);
});

test('a reader of the table is not interrupted, and nobody waits behind the drop', async () => {
  const old = await day(20);
  await mark();
  await confirmAll();
  await dropPartitions(database.db, 7);
  await confirmAll();
  await admin.begin(async (tx) => {
    await tx.unsafe(`select count(*) from ${old}`);
    expect(await dropPartitions(database.db, 7)).toBe(0);
  });
  expect(await partitions('past')).toEqual([old]);
  await confirmAll();
  expect(await dropPartitions(database.db, 7)).toBe(1);
});

test('several instances at once make each partition once', async () => {
  for (const name of await partitions('ahead')) await admin.unsafe(`drop table ${name}`);
  const others = [database.db, database.openAnother().db, database.openAnother().db];
  const made = await Promise.all(others.map((db) => makePartitions(db)));
  expect(made.reduce((a, b) => a + b)).toBe(14);
  expect(await partitions('ahead')).toHaveLength(14);
});

test('a service may neither drop nor delete by itself, nor have less than a day kept', async () => {
  const name = await day(20);
  const refused = expect.objectContaining({ cause: expect.objectContaining({ code: '42501' }) });
  await expect(database.db.execute(`drop table ${name}`)).rejects.toEqual(refused);
  await expect(database.db.execute('delete from outbox')).rejects.toEqual(refused);
  await expect(database.db.execute('delete from outbox_marks')).rejects.toEqual(refused);
  await expect(dropPartitions(database.db, 0)).rejects.toThrow();
});

test('the metrics tell how long the oldest row waits for its slot', async () => {
  const value = async (line: string) => {
    const text = await renderMetrics();
    return Number(text.match(new RegExp(`^${line.replace(/[{}]/g, '\\$&')} (.*)$`, 'm'))?.[1]);
  };
  const gauge = `walpost_outbox_oldest_pending_seconds{slot="${SLOT}"}`;
  const stop = exposeOutbox(database.db, 'orders');
  try {
    await mark();
    await confirmAll();
    await mark();
    expect(await value(gauge)).toBe(0);
    await insertRow(new Date(Date.now() - 100));
    await eventually(async () => ((await value(gauge)) > 0 ? true : undefined), 10);
    expect(await value(gauge)).toBeLessThan(10);
    expect(await value(`walpost_slot_wal_status{slot="${SLOT}",status="reserved"}`)).toBe(1);
    expect(await value(`walpost_slot_active{slot="${SLOT}"}`)).toBe(0);
    await dropSlot();
    const missing = `walpost_slot_wal_status{slot="${SLOT}",status="missing"}`;
    await eventually(async () => ((await value(missing)) === 1 ? true : undefined), 10);
  } finally {
    stop();
  }
  expect(registry.getSingleMetric('walpost_slot_active')).toBeDefined();
  expect(await renderMetrics()).not.toContain('walpost_slot_active{');
});
