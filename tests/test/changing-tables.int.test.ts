import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Database } from '@walpost/kit/postgres/database';
import { namelessColumns } from 'walpost/testing/nameless-columns';
import { openTestDatabase, type TestDatabase, type TestService } from '../stack/database.ts';
import { askObserver, openAsObserver } from '../stack/observer.ts';
import { serviceWork } from '../stack/service-work.ts';

/** What a migration may do that takes nothing away, given a table, as statements. */
type Change = (admin: TestDatabase['admin'], table: string) => Promise<string[]>;

let added = 0;
const add =
  (definition: string): Change =>
  async (_admin, table) => [`alter table ${table} add column added_${++added} ${definition}`];

/** Types that take all that another one takes. */
const WIDER: Record<string, string> = { text: 'varchar(4000)', integer: 'bigint', bigint: 'numeric' };

const widen: Change = async (admin, table) => {
  const columns = await admin<{ name: string; type: string }[]>`
    select attname as name, format_type(atttypid, atttypmod) as type from pg_attribute
    where attrelid = ${table}::regclass and attnum > 0 and not attisdropped and attidentity = ''`;
  const changes = columns.flatMap(({ name, type }) =>
    WIDER[type] ? [`alter column "${name}" type ${WIDER[type]}`] : [],
  );
  return [`alter table ${table} ${changes.join(', ')}`];
};

/** A partitioned table takes no index concurrently; its partitions do. */
const index =
  (how: 'concurrently' | ''): Change =>
  async (admin, table) => {
    const [first] = await admin<{ name: string; kind: string }[]>`
      select attname as name, relkind as kind from pg_attribute join pg_class on pg_class.oid = attrelid
      where attrelid = ${table}::regclass and attnum = 1`;
    const on = first?.kind === 'p' && how ? `${table}_default` : table;
    return [`create index ${how} on ${on} ("${first?.name}")`];
  };

const CHANGES: Record<string, Change> = {
  'an added column': add('text'),
  'an added column with a default': add('integer not null default 7'),
  'wider types': widen,
  'an added index': index(''),
  'an index made concurrently': index('concurrently'),
  'new statistics': async (_admin, table) => [`analyze ${table}`],
};

const OUTBOX = ['outbox', 'outbox_marks', 'schema_ids'];
const INBOX = ['inbox', 'dead_letters'];
const TABLES: Record<TestService, string[]> = {
  orders: ['orders', ...OUTBOX, ...INBOX],
  payments: ['payments', ...OUTBOX, ...INBOX],
  inventory: ['stock', 'reservations', ...OUTBOX, ...INBOX],
  notifications: ['emails', ...INBOX],
};

describe.each(Object.keys(TABLES) as TestService[])('%s', (service) => {
  let database: TestDatabase;
  let expected: string[];
  let observer: Database;
  const work = async () => {
    const done = await serviceWork[service](database.db);
    const answers = await askObserver(observer.db, database.admin);
    return [...done, ...answers.map(({ question, columns }) => `${question}: ${columns}`)];
  };

  beforeAll(async () => {
    database = await openTestDatabase(service);
    observer = openAsObserver(database);
    // Several connections, which take turns from here on.
    await Promise.all([1, 2, 3].map(() => database.db.execute('select pg_sleep(0.2)')));
    expected = await work();
    expect(expected).toContain('dead letter: dead replayed');
  });
  afterAll(async () => {
    await observer?.close();
    await database?.close();
  });

  test('functions name their columns', async () => {
    const functions = await database.admin<{ name: string; body: string }[]>`
      select proname as name, prosrc as body from pg_proc
      where pronamespace in ('public'::regnamespace, 'observer'::regnamespace)`;
    expect(
      functions.flatMap(({ name, body }) => namelessColumns(body).map((line) => `${name}: ${line}`)),
    ).toEqual([]);
  });

  const cases = TABLES[service].flatMap((table) =>
    Object.entries(CHANGES).map(([name, change]) => [table, name, change] as const),
  );
  test.each(cases)('%s survives %s', async (table, _name, change) => {
    // Statements are prepared by then in every connection that is used.
    expect(await work()).toEqual(expected);
    for (const statement of await change(database.admin, table)) await database.admin.unsafe(statement);
    expect(await work()).toEqual(expected);
  });
});
