import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Database } from '@walpost/kit/postgres/database';
import { sql } from 'drizzle-orm';
import { askAll } from 'walpost/doctor/check-postgres';
import { observedServices } from 'walpost/observe/services';
import { readTraces } from 'walpost/trace/trace-key';
import system from '../../walpost.config.ts';
import { openTestDatabase, type TestDatabase, type TestService } from '../stack/database.ts';
import { type Answer, askObserver, openAsObserver } from '../stack/observer.ts';
import { serviceWork } from '../stack/service-work.ts';

/** Tables, views and sequences that are not Postgres's own, of which a role may select something. */
function readable(admin: TestDatabase['admin'], role: string) {
  return admin<{ name: string; readable: boolean }[]>`
    select oid::regclass::text as name, has_any_column_privilege(${role}, oid, 'select') as readable from pg_class
    where relkind in ('r', 'p', 'v', 'm', 'f') and relnamespace::regnamespace::text !~ '^(pg_|information_schema$)'`;
}

/** Of the last order that a service handles in `serviceWork`: what it did, and what it published. */
const KNOWN: Record<TestService, { timeline: string[]; events: string[] }> = {
  orders: {
    timeline: ['order row written: done', 'order CONFIRMED: done'],
    events: ['OrderCreated 1', 'OrderConfirmed 2'],
  },
  payments: { timeline: ['payment DECLINED: done'], events: [] },
  inventory: { timeline: ['stock RESERVED: done'], events: ['StockReserved 1'] },
  notifications: {
    timeline: ['e-mail order-received SENT: done', 'e-mail order-confirmed SENT: done'],
    events: [],
  },
};

describe.each(Object.keys(KNOWN) as TestService[])('%s', (service) => {
  let database: TestDatabase;
  let observer: Database;
  let answers: Answer[];
  const observed = () => {
    const found = observedServices(system).find((each) => each.database === service);
    if (!found) throw new Error(`nobody observes ${service}`);
    return { service: found, db: observer.db };
  };
  const rowsOf = (question: string) => answers.find((each) => each.question === question)?.rows;

  beforeAll(async () => {
    database = await openTestDatabase(service);
    observer = openAsObserver(database);
    await serviceWork[service](database.db);
    // The dead letter of a key that is none of this service's own is the last that was handled.
    await database.admin`delete from inbox where event_id::text in (select identity from dead_letters)`;
    answers = await askObserver(observer.db, database.admin);
  });
  afterAll(async () => {
    await observer?.close();
    await database?.close();
  });

  test('observer may select from nothing', async () => {
    const tables = await readable(database.admin, 'observer');
    expect(tables.length).toBeGreaterThan(4);
    expect(tables.filter((each) => each.readable)).toEqual([]);
    for (const { name } of tables)
      await expect(observer.db.execute(sql.raw(`select 1 from ${name}`))).rejects.toMatchObject({
        code: '42501',
      });
    await database.admin`grant select (id) on dead_letters to observer`;
    const found = await readable(database.admin, 'observer');
    expect(found.flatMap((each) => (each.readable ? [each.name] : []))).toEqual(['dead_letters']);
    await database.admin`revoke select (id) on dead_letters from observer`;
  });

  test('observer may call the functions of its schema and no others, and nobody else but the service may', async () => {
    const [row] = await database.admin`
      select array_agg(distinct nspname) filter (where has_schema_privilege('observer', nspname, 'usage')
          and has_function_privilege('observer', pg_proc.oid, 'execute')) as observers,
        bool_and(provolatile = 's') filter (where nspname = 'observer') as "areReads"
      from pg_proc join pg_namespace on pg_namespace.oid = pronamespace
      where nspname !~ '^(pg_|information_schema$)'`;
    expect(row).toEqual({ observers: ['observer'], areReads: true });
    const roles = await database.admin<{ role: string }[]>`
      select rolname as role from pg_roles
      where not rolsuper and rolname !~ '^pg_' and has_schema_privilege(oid, 'observer', 'usage')
        and not pg_has_role(oid, 'pg_read_all_data', 'usage')`;
    expect(roles.map(({ role }) => role).sort()).toEqual(
      ['observer', `${database.name}_app`, `${database.name}_owner`].sort(),
    );
  });

  test('every question is answered, with what was done for the key', async () => {
    const known = KNOWN[service];
    const [last] = await database.admin<{ key: string }[]>`
      select key from inbox order by received_at desc limit 1`;
    const { traces, problems } = await readTraces(observed(), last?.key ?? '');
    const { events, effects, handled } = traces;
    expect(problems).toEqual([]);
    expect(effects?.map(({ what, at, state }) => [`${what}: ${state}`, typeof at])).toEqual(
      known.timeline.map((each) => [each, 'number']),
    );
    expect(events?.map(({ type, version, writtenAt }) => [`${type} ${version}`, typeof writtenAt])).toEqual(
      known.events.map((each) => [each, 'number']),
    );
    expect(handled?.size).toBeGreaterThan(0);
    expect(rowsOf('dead_letter_counts')).toEqual([{ dead: 0, parked: 0, keys: 0, oldest: null }]);
    await database.admin`update dead_letters set state = 'parked'`;
    const again = await askObserver(observer.db, database.admin);
    expect(again.find(({ question }) => question === 'open_dead_letters')?.rows).toMatchObject([
      { state: 'parked', error_message: 'refused' },
    ]);
  });

  test('no answer has a payload, a customer, an address or a text', async () => {
    expect(answers.map(({ columns }) => columns).join()).not.toMatch(/bytea|json/);
    const [own] = await database.admin<{ table: string }[]>`
      select relname as table from pg_class join pg_attribute on attrelid = pg_class.oid
      where relnamespace = 'public'::regnamespace and relkind = 'r' and attname = 'customer_id'`;
    if (!own) return;
    const texts = service === 'notifications' ? ['recipient', 'subject', 'body'] : [];
    const secrets = await database.admin`
      select ${database.admin(['customer_id', ...texts])} from ${database.admin(own.table)}`;
    expect(secrets.length).toBeGreaterThan(0);
    const said = JSON.stringify(answers.map(({ rows }) => rows));
    const words = new Set(said.split(/[^\w-]+/));
    // A short one may be a part of any id.
    for (const secret of new Set<string>(secrets.flatMap((row) => Object.values(row))))
      expect([secret, secret.length > 8 ? said.includes(secret) : words.has(secret)]).toEqual([
        secret,
        false,
      ]);
  });

  test.each(['parcel 7', '', "o'clock", '00000000-0000-0000-0000-00000000000'])(
    'of a key that is no UUID there is nothing, and no error: %j',
    async (key) => {
      expect(await readTraces(observed(), key)).toEqual({
        traces: { events: [], handled: new Map(), deadLetters: [], effects: [] },
        problems: [],
      });
    },
  );

  test('a question that is refused hides no other', async () => {
    const [last] = await database.admin<{ key: string }[]>`
      select key from inbox order by received_at desc limit 1`;
    await database.admin`revoke execute on function observer.timeline(text) from public, observer`;
    const { traces, problems } = await readTraces(observed(), last?.key ?? '');
    await database.admin`grant execute on function observer.timeline(text) to public`;
    expect(problems).toEqual([`database ${service}: permission denied for function timeline`]);
    expect(traces.effects).toBeNull();
    expect(traces.handled?.size).toBeGreaterThan(0);
    expect(traces.events).toHaveLength(KNOWN[service].events.length);
    expect(traces.deadLetters).toEqual([]);
  });

  test('doctor asks all of it, and names what it cannot see', async () => {
    await askAll(observed());
    await database.admin`drop function observer.timeline(text)`;
    await expect(askAll(observed())).rejects.toMatchObject({
      code: '42883',
      message: expect.stringContaining('observer.timeline'),
    });
  });
});
