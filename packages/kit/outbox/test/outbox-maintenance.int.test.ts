import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { eventually } from 'walpost/testing/support';
import { openTestDatabase, type TestDatabase } from '../../../../tests/stack/database.ts';
import { registry, renderMetrics } from '../../telemetry/metrics.ts';
import { exposeOutbox } from '../metrics.ts';
import { dropPartitions, makePartitions, markPosition } from '../outbox-maintenance.ts';

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
  await admin`truncate outbox, outbox_marks, outbox_positions, outbox_days`;
  await admin`insert into outbox_days (day) select (now() at time zone 'UTC')::date - back from generate_series(0, 100) as back`;
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
    values (gen_random_uuid(), 'order', 'a', 1, 'walpost.orders.OrderCreated', '\\x00', 's', 'p', ${createdAt})`;
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

test('confirmed daily partitions are dropped after their time, the younger ones stay', async () => {
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

test('without its slot, and with one that was recreated and has read nothing yet, nothing is dropped', async () => {
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

test('one slot that is stalled holds back what another has confirmed', async () => {
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

test('a slot that has confirmed nothing since the first mark keeps the marks that another has passed', async () => {
  const late = await day(20);
  await mark();
  // It is to come, with its connector: a publication without a slot.
  await admin`create publication second_reader for table outbox with (publish = 'insert')`;
  try {
    for (let turn = 0; turn < 3; turn++) {
      await confirmAll();
      await mark();
      expect(await dropPartitions(database.db, 7)).toBe(0);
    }
    // The first mark stays: of the slot that is to come nothing is known to be confirmed.
    expect(await admin`select from outbox_marks`).toHaveLength(4);
    expect(await partitions('past')).toEqual([late]);
  } finally {
    await admin`drop publication second_reader`;
  }
});

test('what was written in the hour before a mark is not yet taken for confirmed', async () => {
  const midnight = Math.floor(Date.now() / DAY) * DAY - DAY;
  const minutes = (count: number) => new Date(midnight + count * 60_000);
  await insertRow(minutes(-10));
  await insertRow(minutes(-45));
  // The slot is at a mark of half an hour past midnight, and has moved on since.
  await admin`insert into outbox_marks (at, lsn) select ${minutes(30)}, pg_current_wal_lsn()`;
  await confirmAll();
  await dropPartitions(database.db, 1);
  await confirmAll();
  await dropPartitions(database.db, 1);
  // One that began before the mark may commit after it: 23:50 is in the hour, 23:15 is not.
  expect([...(await admin`select created_at from outbox_default`)]).toEqual([{ created_at: minutes(-10) }]);
});

/** What a clock of the server that is set ahead, or back, makes of all that was written by it. */
async function jump(days: number): Promise<void> {
  await admin`update outbox_marks set at = at - make_interval(days => ${days})`;
  await admin`update outbox_days set day = day - 3000`;
  await admin`update outbox_days set day = day + 3000 - ${days}::int`;
}

test('a clock that jumps ahead by 15 days has no day dropped that is younger than is kept', async () => {
  // Yesterday and three days ago, before a jump of 15.
  const kept = [await day(18), await day(16)];
  const old = await day(15 + 9);
  await mark();
  await jump(15);
  await confirmAll();
  await dropPartitions(database.db, 7);
  await confirmAll();
  expect(await dropPartitions(database.db, 7)).toBe(1);
  await confirmAll();
  expect(await dropPartitions(database.db, 7)).toBe(0);
  expect(await partitions('past')).toEqual(kept);
  expect(await partitions('past')).not.toContain(old);
});

test('a clock that was set back for a while has nothing dropped that no slot has confirmed', async () => {
  await mark();
  await confirmAll();
  await dropPartitions(database.db, 7);
  // The marks so far seem to come from the future; what is written now, and its marks, from 20 days ago.
  await confirmAll();
  await dropPartitions(database.db, 7);
  const wrong = await day(20);
  await admin`insert into outbox_marks (at, lsn)
    select now() - interval '20 days' + interval '1 hour', pg_current_wal_lsn()`;
  await mark();
  expect(await admin`select from outbox_marks`).toHaveLength(3);
  // The clock is right again; the slot is where it was, but for a heartbeat from before.
  await admin`update outbox_positions set confirmed = '0/1'`;
  expect(await dropPartitions(database.db, 7)).toBe(0);
  await admin`update outbox_positions set confirmed = '0/1'`;
  expect(await dropPartitions(database.db, 7)).toBe(0);
  expect(await partitions('past')).toEqual([wrong]);
});

test('marks go on while the clock is behind the last one', async () => {
  await mark();
  await admin`update outbox_marks set at = at + interval '15 days'`;
  await markPosition(database.db);
  expect(await admin`select from outbox_marks`).toHaveLength(2);
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
  // One that waits for another for too long gives up: there is nothing left for it to make.
  const givesUp = (error: { code?: string }) => {
    if (error.code !== '55P03') throw error;
    return 0;
  };
  const made = await Promise.all(others.map((db) => makePartitions(db).catch(givesUp)));
  expect(made.reduce((a, b) => a + b)).toBe(14);
  expect(await partitions('ahead')).toHaveLength(14);
});

test('a service may neither drop nor delete by itself, nor have less than a day kept', async () => {
  const name = await day(20);
  const refused = expect.objectContaining({ code: '42501' });
  await expect(database.db.execute(`drop table ${name}`)).rejects.toEqual(refused);
  await expect(database.db.execute('delete from outbox')).rejects.toEqual(refused);
  await expect(database.db.execute('delete from outbox_marks')).rejects.toEqual(refused);
  await expect(dropPartitions(database.db, 0)).rejects.toThrow();
});

test('the metrics show how long the oldest row waits for its slot', async () => {
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
    await eventually(async () => ((await value(gauge)) > 0 ? true : undefined));
    expect(await value(gauge)).toBeLessThan(10);
    expect(await value(`walpost_slot_wal_status{slot="${SLOT}",status="reserved"}`)).toBe(1);
    expect(await value(`walpost_slot_active{slot="${SLOT}"}`)).toBe(0);
    await dropSlot();
    const missing = `walpost_slot_wal_status{slot="${SLOT}",status="missing"}`;
    await eventually(async () => ((await value(missing)) === 1 ? true : undefined));
  } finally {
    stop();
  }
  expect(registry.getSingleMetric('walpost_slot_active')).toBeDefined();
  expect(await renderMetrics()).not.toContain('walpost_slot_active{');
});
