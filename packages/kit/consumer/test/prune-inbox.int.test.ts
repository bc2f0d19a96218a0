import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { sql } from 'drizzle-orm';
import { received } from 'walpost/testing/received';
import { eventually } from 'walpost/testing/support';
import { openTestDatabase, type TestDatabase } from '../../../../tests/stack/database.ts';
import { createLogger } from '../../telemetry/logger.ts';
import { handleBatch, ignore } from '../handle-batch.ts';
import { claimToday, keepInboxPruned, pruneInbox, removePages } from '../prune-inbox.ts';

const never = new AbortController().signal;

let database: TestDatabase;
let admin: TestDatabase['admin'];
beforeAll(async () => {
  database = await openTestDatabase('notifications');
  admin = database.admin;
});
beforeEach(async () => {
  await admin`truncate inbox, inbox_days`;
  await admin`insert into inbox_days (day) select (now() at time zone 'UTC')::date - back from generate_series(0, 100) as back`;
});
afterAll(() => database?.close());

async function seen(daysAgo: number, count = 1): Promise<void> {
  await admin`insert into inbox (event_id, topic, key, version, received_at)
    select gen_random_uuid(), 't', ${`${daysAgo}`}, 1, now() - make_interval(hours => ${daysAgo * 24})
    from generate_series(1, ${count}::int)`;
}

async function left(): Promise<string[]> {
  const rows = await admin<{ key: string }[]>`select distinct key from inbox order by key`;
  return rows.map(({ key }) => key);
}

/** Makes everything older, as a clock that is set ahead does. */
async function jump(days: number): Promise<void> {
  await admin`update inbox set received_at = received_at - make_interval(days => ${days})`;
  await admin`update inbox_days set day = day - 3000`;
  await admin`update inbox_days set day = day + 3000 - ${days}::int`;
}

test.each([
  ['of 14 days', 14, ['0', '12', '13', '14', '2']],
  ['of 2 days', 2, ['0', '2']],
  ['longer than all days that were seen', 200, ['0', '12', '13', '14', '15', '2', '20', '99']],
])('a retention %s forgets what is older, never what is younger', async (_what, days, expected) => {
  for (const age of [0, 2, 12, 13, 14, 15, 20, 99]) await seen(age);
  await pruneInbox(database.db, days, never);
  expect(await left()).toEqual(expected);
});

test('a clock that jumps ahead by 15 days has nothing forgotten that is younger than the retention', async () => {
  for (const age of [0, 5, 12, 20]) await seen(age);
  await jump(15);
  expect(await pruneInbox(database.db, 14, never)).toBe(1);
  expect(await left()).toEqual(['0', '12', '5']);
});

test('a clock that was ahead for a day and is right again has nothing forgotten', async () => {
  for (const age of [0, 5, 12]) await seen(age);
  await admin`insert into inbox_days (day) values ((now() at time zone 'UTC')::date + 15)`;
  expect(await pruneInbox(database.db, 14, never)).toBe(0);
});

test('a service that rested for two weeks forgets nothing while it rested', async () => {
  for (const age of [16, 20]) await seen(age);
  await admin`delete from inbox_days where day > (now() at time zone 'UTC')::date - 15`;
  expect(await pruneInbox(database.db, 14, never)).toBe(0);
});

test('what comes again is remembered from then on', async () => {
  const event = received({
    type: 'OrderCancelled',
    data: {
      orderId: '0195f2a0-0000-7000-8000-000000000001',
      customerId: 'ada',
      currency: 'EUR',
      totalAmount: 1,
      reason: 'x',
      cancelledAt: 1,
    },
  });
  await handleBatch(database.db, { OrderCancelled: ignore }, [event]);
  await admin`update inbox set received_at = received_at - interval '13 days'`;
  expect(await handleBatch(database.db, { OrderCancelled: ignore }, [event])).toMatchObject({
    duplicates: 1,
    handled: [],
  });
  await admin`update inbox_days set day = day + 3000`;
  await admin`update inbox_days set day = day - 3005`;
  await admin`insert into inbox_days (day) select (now() at time zone 'UTC')::date - back from generate_series(0, 4) as back`;
  expect(await pruneInbox(database.db, 14, never)).toBe(0);
});

test('rows go once a day, whoever is first, and again when the retention is another', async () => {
  const logger = createLogger('test', 'silent');
  const prune = async (days: number, expected: string[]) => {
    const stop = keepInboxPruned(database.db, days, logger);
    await eventually(async () => (String(await left()) === String(expected) ? true : undefined));
    await stop();
  };
  for (const age of [0, 10, 20]) await seen(age);
  await prune(14, ['0', '10']);
  // Another instance of the same day leaves it.
  expect(await claimToday(database.openAnother().db, 14)).toBe(false);
  await prune(7, ['0']);
});

test('each statement goes through some pages by their numbers, however large the table is', async () => {
  await seen(20, 40_000);
  await seen(0, 1_000);
  await admin`analyze inbox`;
  const before = new Date(Date.now() - 14 * 86_400_000).toISOString();
  const plan = await database.db.execute(sql`explain ${removePages(200, before)}`);
  const text = plan.map((line) => line['QUERY PLAN']).join('\n');
  expect(text).toMatch(/Tid Range Scan on inbox/);
  expect(text).toMatch(/TID Cond: .*\(200,0\).*\(400,0\)/);
  expect(await pruneInbox(database.db, 14, never)).toBe(40_000);
  expect(await left()).toEqual(['0']);
});

test('a stop ends it between two statements', async () => {
  await seen(20);
  expect(await pruneInbox(database.db, 14, AbortSignal.abort())).toBe(0);
});
