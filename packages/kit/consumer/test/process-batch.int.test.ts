import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { sql } from 'drizzle-orm';
import { openTestDatabase, type TestDatabase } from '../../../../tests/stack/database.ts';
import type { Decoder } from '../../contract/codec.ts';
import { CodecError } from '../../contract/errors.ts';
import type { Tx } from '../../postgres/database.ts';
import { createLogger } from '../../telemetry/logger.ts';
import type { BatchResult, Handlers } from '../handle-batch.ts';
import { type Attempts, noAttempts, processBatch, processParts } from '../process-batch.ts';
import { pruneInbox } from '../prune-inbox.ts';
import { MessageError, type Received, type ReceivedEvent } from '../receive.ts';
import { type ReplayFailures, replayRequestedDeadLetters } from '../replay-dead-letters.ts';
import { order } from './order-record.ts';

let database: TestDatabase;
/** Keys whose events are refused, and errors that are thrown once each. */
let refused: Set<string>;
let unlucky: Error[];
/** What is thrown each time. */
let stubborn: Error | undefined;

beforeAll(async () => {
  database = await openTestDatabase('notifications');
  await database.admin`create table effects (seq serial, key text, version integer)`;
  await database.admin.unsafe(`grant all on effects, effects_seq_seq to "${database.name}_app"`);
});
beforeEach(async () => {
  await database.admin`truncate effects, inbox, dead_letters`;
  refused = new Set();
  unlucky = [];
  stubborn = undefined;
  gates = new Map();
  reached = [];
});
afterAll(() => database?.close());

async function effect(_tx: Tx, events: ReceivedEvent[]): Promise<void> {
  for (const { key, version } of events) {
    reached.push(key);
    await gates.get(key);
    await database.db.execute('select 1');
    const error = stubborn ?? unlucky.shift();
    if (error) throw error;
    if (refused.has(key)) throw new MessageError('refused', `${key} is refused`);
    // The transaction is what is tested, so the effect goes through it.
    await _tx.execute(`insert into effects (key, version) values ('${key}', ${version})`);
  }
}
const on: Handlers = { OrderCreated: effect, OrderConfirmed: effect };

async function run(batch: Received[], attempts: Attempts = noAttempts()) {
  const results: BatchResult[] = [];
  const paused = await processBatch(database.db, on, batch, attempts, (result) => results.push(result));
  return { paused, results };
}

async function effects(): Promise<string[]> {
  const rows = await database.admin`select key, version from effects order by seq`;
  return rows.map(({ key, version }) => `${key}:${version}`);
}

async function deadLetters(): Promise<string[]> {
  const rows = await database.admin`select key, state, error_code, attempts from dead_letters order by id`;
  return rows.map((row) => [row['key'], row['state'], row['error_code'], row['attempts']].join(' '));
}

/** Moments that a handler waits for, by the key of its event. */
let gates: Map<string, Promise<void>>;
/** Keys whose events have reached the handler, as often as they did. */
let reached: string[];

/** Reads back what `order` wrote. */
const decoder: Decoder = {
  decode: (value) => {
    if (value.length === 0) throw new CodecError('truncated', 'cut');
    return JSON.parse(value.toString());
  },
};

const failures: ReplayFailures = new Map();

function runReplays(db = database.db): Promise<void> {
  const logger = createLogger('test', 'silent');
  return replayRequestedDeadLetters({ db, on, decoder, logger, failures });
}

async function until(what: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await what())) await wait(20);
}

async function replay(): Promise<void> {
  await database.admin`update dead_letters set replay_requested_at = now() where state in ('dead', 'parked')`;
  await runReplays();
}

test('a batch is one transaction, and what was seen before has no effect again', async () => {
  const batch = [order('a', 1), order('b', 1), order('a', 2)];
  expect((await run(batch)).results).toMatchObject([
    { handled: { length: 3 }, duplicates: 0, deadLetters: [], anomalies: [] },
  ]);
  expect((await run([...batch, order('b', 2)])).results).toMatchObject([
    { handled: { length: 1 }, duplicates: 3 },
  ]);
  expect(await effects()).toEqual(['a:1', 'b:1', 'a:2', 'b:2']);
});

/** Records of several partitions, the first of them of partition 0. @returns what was reported to each, and where it stopped */
async function runParts(...batches: Received[][]) {
  const parts = batches.map((batch, partition) => ({
    batch: batch.map((each): Received => {
      const position = { ...each.position, partition };
      if ('error' in each.result) return { ...each, position };
      return { ...each, position, result: { event: { ...each.result.event, position } } };
    }),
    attempts: noAttempts(),
    results: [] as BatchResult[],
  }));
  const reported = parts.map((part) => ({
    ...part,
    onResult: (result: BatchResult) => part.results.push(result),
  }));
  const pauses = await processParts(database.db, on, reported);
  return { pauses, results: parts.map(({ results }) => results) };
}

test('what has arrived of several partitions is one transaction, and each gets its own result', async () => {
  await run([order('b', 1)]);
  const again = order('a', 1);
  const unread = { ...order('c', 1), result: { error: new CodecError('truncated', 'cut'), attempts: 1 } };
  const { pauses, results } = await runParts(
    [again, again, order('a', 2)],
    [unread, order('d', 1)],
    [order('b', 3)],
  );
  expect(pauses).toEqual([undefined, undefined, undefined]);
  expect(results).toMatchObject([
    [{ handled: [{ version: 1 }, { version: 2 }], duplicates: 1, deadLetters: [], anomalies: [] }],
    [{ handled: [{ key: 'd' }], duplicates: 0, deadLetters: [{ state: 'dead' }], anomalies: [] }],
    [{ handled: [{ key: 'b' }], duplicates: 0, deadLetters: [], anomalies: [{ kind: 'gap', key: 'b' }] }],
  ]);
  const [row] = await database.admin`
    select count(distinct xmin::text)::int as n from effects where key <> 'b' or version <> 1`;
  expect(row).toEqual({ n: 1 });
});

test('a failure costs only its own partition', async () => {
  refused.add('bad');
  const parts = [[order('a', 1)], [order('b', 1), order('bad', 1), order('c', 1)], [order('d', 1)]];
  const { pauses, results } = await runParts(...parts);
  expect(pauses).toEqual([undefined, undefined, undefined]);
  expect((await effects()).sort()).toEqual(['a:1', 'b:1', 'c:1', 'd:1']);
  expect(await deadLetters()).toEqual(['bad dead refused 1']);
  expect(results.map((each) => each.flatMap(({ handled }) => handled.map(({ key }) => key)))).toEqual([
    ['a'],
    ['b', 'c'],
    ['d'],
  ]);
});

test('partitions that met bad times are paused, each where it stopped', async () => {
  stubborn = Object.assign(new Error('away'), { code: 'ECONNREFUSED' });
  const { pauses } = await runParts([order('a', 1, '3')], [order('b', 1, '7')]);
  expect(pauses).toMatchObject([
    { offset: '3', verdict: 'pause', attempt: 1 },
    { offset: '7', verdict: 'pause', attempt: 1 },
  ]);
  expect(await deadLetters()).toEqual([]);
});

test('the same event twice in one batch acts once', async () => {
  const one = order('a', 1);
  expect((await run([one, one])).results).toMatchObject([{ handled: { length: 1 }, duplicates: 1 }]);
  expect(await effects()).toEqual(['a:1']);
});

test('one bad event in many costs only itself, and what follows it waits', async () => {
  refused.add('bad');
  const many = Array.from({ length: 60 }, (_, at) => order(`k${at}`, 1));
  const { paused } = await run([...many.slice(0, 30), order('bad', 1), ...many.slice(30), order('bad', 2)]);
  expect(paused).toBeUndefined();
  expect((await effects()).sort()).toEqual(many.map(({ key }) => `${key}:1`).sort());
  expect(await deadLetters()).toEqual(['bad dead refused 1', 'bad parked  0']);
  await run([order('bad', 3), order('k1', 2)]);
  expect(await deadLetters()).toHaveLength(3);
  expect(await effects()).toContain('k1:2');
});

test('what cannot be read becomes a dead letter with its bytes, whatever else is wrong with it', async () => {
  const poison = {
    ...order('p', 1, '5'),
    id: undefined,
    result: { error: new CodecError('truncated', 'cut'), attempts: 1 },
  };
  const keyless = { ...poison, key: undefined, position: { ...poison.position, offset: '6' } };
  await run([poison, order('p', 2), keyless, order('q', 1)]);
  await run([poison, keyless]);
  expect(await deadLetters()).toEqual(['p dead truncated 1', 'p parked  0', ' dead truncated 1']);
  expect(await effects()).toEqual(['q:1']);
  const [row] = await database.admin`select value, headers from dead_letters where "offset" = 5`;
  expect(row?.['value']).toEqual(poison.message.value);
  expect(row?.['headers']).toContainEqual(['ce_type', 'walpost.orders.OrderCreated']);
});

test('a header that comes twice, once without a value, is kept in its dead letter', async () => {
  const record = {
    ...order('p', 1, '5'),
    result: { error: new CodecError('truncated', 'cut'), attempts: 1 },
  };
  // What kafkajs makes of it, which its types do not say.
  const twice = [Buffer.from('1'), null] as unknown as Buffer[];
  Object.assign(record.message, { headers: { ...record.message.headers, x: twice } });
  const { paused } = await run([record]);
  expect(paused).toBeUndefined();
  const [row] = await database.admin`select headers from dead_letters`;
  expect(row?.['headers']).toEqual(
    expect.arrayContaining([
      ['x', '1'],
      ['x', ''],
    ]),
  );
});

test('a record that can be neither handled nor set aside holds its partition', async () => {
  await database.admin`alter table dead_letters add constraint full_up check (false) not valid`;
  const record = {
    ...order('p', 1, '5'),
    result: { error: new CodecError('truncated', 'cut'), attempts: 1 },
  };
  try {
    const { paused } = await run([order('a', 1), record, order('b', 1)]);
    expect(paused).toMatchObject({ offset: '5', verdict: 'pause' });
    expect(await effects()).toEqual(['a:1']);
  } finally {
    await database.admin`alter table dead_letters drop constraint full_up`;
  }
  await run([record, order('b', 1)]);
  expect(await deadLetters()).toEqual(['p dead truncated 1']);
});

test('bad luck is tried again, and counted; in the end it is a dead letter', async () => {
  const deadlock = () => Object.assign(new Error('deadlock'), { code: 'GATEWAY_TIMEOUT', retryable: true });
  const attempts = noAttempts();
  unlucky = [deadlock()];
  const { paused } = await run([order('a', 1, '3')], attempts);
  expect(paused).toMatchObject({ offset: '3', verdict: 'retry', attempt: 1 });
  expect((await run([order('a', 1, '3')], attempts)).paused).toBeUndefined();
  expect(await effects()).toEqual(['a:1']);

  const unending = order('b', 1, '4');
  for (let attempt = 1; attempt < 6; attempt++) {
    unlucky = [deadlock()];
    expect((await run([unending], attempts)).paused).toMatchObject({ attempt });
  }
  unlucky = [deadlock()];
  expect((await run([unending], attempts)).paused).toBeUndefined();
  expect(await deadLetters()).toEqual(['b dead GATEWAY_TIMEOUT 6']);
});

test('while the database is away nothing is set aside, however often it is tried', async () => {
  const gone = () => Object.assign(new Error('away'), { code: 'ECONNREFUSED' });
  const attempts = noAttempts();
  for (let attempt = 1; attempt <= 20; attempt++) {
    unlucky = [gone()];
    expect((await run([order('a', 1, '3'), order('b', 1, '4')], attempts)).paused).toMatchObject({
      verdict: 'pause',
    });
  }
  expect(await deadLetters()).toEqual([]);
  expect(await effects()).toEqual([]);
});

const sqlState = (code: string, routine?: string) =>
  Object.assign(new Error(code), { name: 'PostgresError', code, routine });

// The database runs the first three again by itself for some seconds, each time.
test.each([
  ['a plan for a table’s former shape', '0A000', 'RevalidateCachedQuery', 2],
  ['a serialization failure', '40001', '', 2],
  ['a deadlock', '40P01', '', 2],
  ['a lock that is not to be had', '55P03', '', 20],
])('%s is run again as a whole, without an end', async (_what, code, routine, times) => {
  const attempts = noAttempts();
  const batch = [order('a', 1, '3'), order('b', 1, '4'), order('a', 2, '5')];
  stubborn = sqlState(code, routine);
  for (let attempt = 1; attempt <= times; attempt++)
    expect((await run(batch, attempts)).paused).toMatchObject({ verdict: 'rerun', offset: '3', attempt });
  // Never halved: it always began with the first event.
  expect(new Set(reached)).toEqual(new Set(['a']));
  expect(await deadLetters()).toEqual([]);
  stubborn = undefined;
  expect((await run(batch, attempts)).paused).toBeUndefined();
  expect(await effects()).toEqual(['a:1', 'b:1', 'a:2']);
});

test('what was no fault of an event does not count against it', async () => {
  const attempts = noAttempts();
  for (const code of ['57P01', '40001', '42P01', '55P03', '53100', '40P01', '08006', 'XX001']) {
    unlucky = [sqlState(code)];
    await run([order('a', 1, '3')], attempts);
  }
  unlucky = [sqlState('57014')];
  expect((await run([order('a', 1, '3')], attempts)).paused).toMatchObject({ verdict: 'retry' });
  expect(await deadLetters()).toEqual([]);
});

test('a typo in a handler’s statement is a dead letter that says so, without what it was given', async () => {
  const typo: Handlers = {
    OrderCreated: (tx) =>
      tx.execute(sql`insert into effects (kee, version) values (${'s3cret'}, 1)`).then(() => undefined),
  };
  await processBatch(database.db, typo, [order('a', 1)], noAttempts(), () => undefined);
  expect(await deadLetters()).toEqual(['a dead 42703 1']);
  const [row] = await database.admin`select error_message, error_stack from dead_letters`;
  expect(row?.['error_message']).toContain('kee');
  expect(row?.['error_stack']).toMatch(/^ {4}at /m);
  expect(JSON.stringify(row)).not.toContain('s3cret');
});

test('an event of a type that the service does not know is never passed over', async () => {
  const unknown = order('a', 1);
  if ('event' in unknown.result)
    unknown.result = { event: { ...unknown.result.event, type: 'StockReserved' } as never };
  await run([unknown]);
  expect(await deadLetters()).toEqual(['a dead unhandled-type 1']);
});

test('a replay runs a key’s dead letters in their order, once, and only when the cause is fixed', async () => {
  refused.add('bad');
  await run([order('bad', 1), order('bad', 2), order('bad', 3)]);
  await replay();
  expect(await deadLetters()).toEqual(['bad dead refused 2', 'bad parked  0', 'bad parked  0']);
  refused.clear();
  await replay();
  await replay();
  expect(await effects()).toEqual(['bad:1', 'bad:2', 'bad:3']);
  expect((await deadLetters()).map((deadLetter) => deadLetter.split(' ')[1])).toEqual([
    'replayed',
    'replayed',
    'replayed',
  ]);
  await run([order('bad', 4)]);
  expect(await effects()).toContain('bad:4');
});

test('a dead letter whose key is not what the record had is never replayed', async () => {
  refused.add('a');
  await run([order('a', 1)]);
  await database.admin`update dead_letters set error_code = 'invalid-key'`;
  refused.clear();
  await replay();
  expect(await deadLetters()).toEqual(['a dead invalid-key 2']);
  expect(await effects()).toEqual([]);
});

test('what was parked goes on by itself when what it waited for is discarded', async () => {
  refused.add('bad');
  await run([order('bad', 1), order('bad', 2)]);
  refused.clear();
  await database.admin`update dead_letters set state = 'discarded', discard_reason = 'x' where state = 'dead'`;
  await runReplays();
  expect(await effects()).toEqual(['bad:2']);
});

test('a replay of one key that has to wait holds back no other, and its request is kept', async () => {
  for (const key of ['w', 'x', 'y']) refused.add(key);
  await run([order('w', 1), order('w', 2), order('x', 1), order('y', 1)]);
  refused.clear();
  unlucky = [sqlState('42501')];
  await expect(replay()).rejects.toThrow('replays of 1 keys wait: 42501');
  expect(await effects()).toEqual(['x:1', 'y:1']);
  await runReplays();
  expect(await effects()).toEqual(['x:1', 'y:1', 'w:1', 'w:2']);
});

test('a replay that is asked for while others wait for long comes before they wait again', async () => {
  const slow = ['w1', 'w2', 'w3'];
  for (const key of [...slow, 'late']) refused.add(key);
  await run([...slow, 'late'].map((key) => order(key, 1)));
  refused.clear();
  gates = new Map(slow.map((key) => [key, wait(6_000)]));
  unlucky = slow.map(() => sqlState('55P03'));
  const request = (keys: string[]) =>
    database.admin`update dead_letters set replay_requested_at = now() where key in ${database.admin(keys)}`;
  await request(slow);
  const first = runReplays().catch(String);
  await until(() => reached.includes('w1'));
  await request(['late']);
  // The others are left for the next call, where what has waited comes last.
  expect(await first).toContain('replays of 1 keys wait');
  reached = [];
  await runReplays().catch(String);
  expect(reached.slice(0, 3)).toEqual(['w2', 'w3', 'late']);
});

test('a replay is tried as often as an event is, and then given back', async () => {
  refused.add('a');
  await run([order('a', 1)]);
  refused.clear();
  for (let attempt = 1; attempt < 6; attempt++) {
    unlucky = [sqlState('57014')];
    await expect(replay()).rejects.toThrow('57014');
    expect(await deadLetters()).toEqual(['a dead refused 1']);
  }
  unlucky = [sqlState('57014')];
  await replay();
  expect(await deadLetters()).toEqual(['a dead 57014 2']);
});

test('a dead letter is decoded before its transaction begins', async () => {
  refused.add('a');
  await run([order('a', 1)]);
  refused.clear();
  const { openAnother, admin } = database;
  const { db, close } = openAnother();
  const idle = async () =>
    (
      await admin`select 1 from pg_stat_activity where datname = current_database()
      and state like 'idle in transaction%'`
    ).length;
  let open = -1;
  const asking: Decoder = {
    decode: async (value) => {
      open = await idle();
      return JSON.parse(value.toString());
    },
  };
  await admin`update dead_letters set replay_requested_at = now()`;
  const logger = createLogger('test', 'silent');
  await replayRequestedDeadLetters({ db, on, decoder: asking, logger, failures });
  await close();
  expect(open).toBe(0);
  expect(await effects()).toEqual(['a:1']);
});

test('two instances that replay the same dead letter act once', async () => {
  refused.add('a');
  await run([order('a', 1)]);
  refused.clear();
  reached = [];
  let open: () => void = () => undefined;
  gates.set(
    'a',
    new Promise((resolve) => {
      open = resolve;
    }),
  );
  await database.admin`update dead_letters set replay_requested_at = now()`;
  const other = database.openAnother();
  const both = [runReplays()];
  await until(() => reached.length === 1);
  both.push(runReplays(other.db));
  // Without its lock the other one comes to the handler; with it, it waits for the row.
  await until(async () => reached.length > 1 || (await waitForLocks()) > 0);
  open();
  await Promise.all(both);
  expect(await effects()).toEqual(['a:1']);
  expect(await deadLetters()).toEqual(['a replayed refused 2']);
});

async function waitForLocks(): Promise<number> {
  const rows = await database.admin`select 1 from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'`;
  return rows.length;
}

test('an event that comes while its key is replayed does not wait for that, and comes after it', async () => {
  refused.add('a');
  await run([order('a', 1)]);
  refused.clear();
  reached = [];
  let open: () => void = () => undefined;
  gates.set(
    'a',
    new Promise((resolve) => {
      open = resolve;
    }),
  );
  await database.admin`update dead_letters set replay_requested_at = now()`;
  const replaying = runReplays(database.openAnother().db);
  await until(() => reached.length === 1);
  await run([order('a', 2), order('b', 1)]);
  expect(await effects()).toEqual(['b:1']);
  open();
  await replaying;
  await runReplays();
  await run([order('a', 3)]);
  expect(await effects()).toEqual(['b:1', 'a:1', 'a:2', 'a:3']);
});

test('what the replay of n dead letters looks at grows with n, and no faster', async () => {
  const keys = 300;
  const ofOne = 300;
  const value = Buffer.from(JSON.stringify({}));
  // A history of closed dead letters that nobody should have to look at.
  await database.admin`insert into dead_letters (identity, state, topic, partition, "offset", key, headers, value,
      recorded_at, attempts, replay_requested_at)
    select 'settled' || n, 'replayed', 'order-events', 0, n, 'k' || n % 100, '[]', ${value}, now(), 1, null
    from generate_series(1, 10000) n`;
  const batch = [
    ...Array.from({ length: keys }, (_, at) => order(`k${at}`, 1)),
    ...Array.from({ length: ofOne }, (_, at) => order('one', at + 1)),
  ];
  for (const { key } of batch) if (key !== undefined) refused.add(key);
  await run(batch);
  refused.clear();
  await database.admin`analyze dead_letters`;
  const looked = async (): Promise<{ scans: number; rows: number }> => {
    const [row] = await database.admin`select seq_scan::int as scans, coalesce(idx_tup_fetch, 0)::int as rows
      from pg_stat_user_tables where relname = 'dead_letters'`;
    return { scans: Number(row?.['scans']), rows: Number(row?.['rows']) };
  };
  await database.admin`update dead_letters set replay_requested_at = now() where state in ('dead', 'parked')`;
  await database.admin`select pg_stat_force_next_flush()`;
  const before = await looked();
  // What a session has looked at is known when it ends.
  const other = database.openAnother();
  await runReplays(other.db);
  await other.close();
  await until(
    async () =>
      (
        await database.admin`select 1 from pg_stat_activity
    where datname = current_database() and usename = current_user and pid <> pg_backend_pid()`
      ).length === 0,
  );
  const after = await looked();
  expect(
    (await database.admin`select 1 from dead_letters where state = 'replayed' and settled_at is not null`)
      .length,
  ).toBe(keys + ofOne);
  expect(after.rows - before.rows).toBeGreaterThan(keys + ofOne);
  expect(after.rows - before.rows).toBeLessThan(20 * (keys + ofOne));
  expect(after.scans - before.scans).toBeLessThan(5);
});

test('a gap and a regression are reported', async () => {
  await run([order('a', 1)]);
  const { results } = await run([order('a', 4), order('a', 2)]);
  expect(results[0]?.anomalies).toEqual([
    { kind: 'gap', key: 'a', last: 1, version: 4 },
    { kind: 'regression', key: 'a', last: 4, version: 2 },
  ]);
});

test('old inbox rows go, new ones stay', async () => {
  await run([order('old', 1), order('new', 1)]);
  await database.admin`update inbox set received_at = now() - interval '15 days' where key = 'old'`;
  expect(await pruneInbox(database.db, 14, new AbortController().signal)).toBe(1);
  expect(await database.admin`select key from inbox`).toEqual([{ key: 'new' }]);
});
