import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { Decoder } from '@walpost/schemas/codec';
import { CodecError } from '@walpost/schemas/errors';
import { openTestDatabase, type TestDatabase } from '../../../tests/stack/database.js';
import type { Tx } from '../database.js';
import type { BatchResult, Subscription } from '../handle-batch.js';
import { createLogger } from '../logger.js';
import { type Attempts, processBatch } from '../process-batch.js';
import { pruneInbox } from '../prune-inbox.js';
import { MessageError, type Received, type ReceivedEvent } from '../receive.js';
import { replayRequestedLetters } from '../replay-letters.js';
import { order } from './order-record.js';

let database: TestDatabase;
/** Keys whose events are refused, and errors that are thrown once each. */
let refused: Set<string>;
let unlucky: Error[];

beforeAll(async () => {
  database = await openTestDatabase('notifications');
  await database.admin`create table effects (seq serial, key text, version integer)`;
  await database.admin.unsafe(`grant all on effects, effects_seq_seq to "${database.name}_app"`);
});
beforeEach(async () => {
  await database.admin`truncate effects, inbox, dead_letters`;
  refused = new Set();
  unlucky = [];
});
afterAll(() => database?.close());

async function effect(_tx: Tx, events: ReceivedEvent[]): Promise<void> {
  for (const { key, version } of events) {
    await database.db.execute('select 1');
    const error = unlucky.shift();
    if (error) throw error;
    if (refused.has(key)) throw new MessageError('refused', `${key} is refused`);
    // The transaction is what is tested, so the effect goes through it.
    await _tx.execute(`insert into effects (key, version) values ('${key}', ${version})`);
  }
}
const subscription: Subscription = {
  handlers: { OrderCreated: effect, OrderConfirmed: effect },
  ignores: [],
};

async function run(batch: Received[], attempts: Attempts = { offset: '', count: 0 }) {
  const results: BatchResult[] = [];
  const hold = await processBatch(database.db, subscription, batch, attempts, (result) =>
    results.push(result),
  );
  return { hold, results };
}

async function effects(): Promise<string[]> {
  const rows = await database.admin`select key, version from effects order by seq`;
  return rows.map(({ key, version }) => `${key}:${version}`);
}

async function letters(): Promise<string[]> {
  const rows = await database.admin`select key, state, error_code, attempts from dead_letters order by id`;
  return rows.map((row) => [row['key'], row['state'], row['error_code'], row['attempts']].join(' '));
}

/** Reads back what `order` wrote. */
const decoder: Decoder = {
  decode: (value) => {
    if (value.length === 0) throw new CodecError('truncated', 'cut');
    return JSON.parse(value.toString());
  },
};

async function replay(): Promise<void> {
  await database.admin`update dead_letters set replay_requested_at = now() where state in ('dead', 'parked')`;
  await replayRequestedLetters(database.db, subscription, decoder, createLogger('test', 'silent'));
}

test('a batch is one transaction, and what was seen before has no effect again', async () => {
  const batch = [order('a', 1), order('b', 1), order('a', 2)];
  expect((await run(batch)).results).toMatchObject([
    { handled: { length: 3 }, duplicates: 0, letters: [], oddities: [] },
  ]);
  expect((await run([...batch, order('b', 2)])).results).toMatchObject([
    { handled: { length: 1 }, duplicates: 3 },
  ]);
  expect(await effects()).toEqual(['a:1', 'b:1', 'a:2', 'b:2']);
});

test('the same event twice in one batch acts once', async () => {
  const one = order('a', 1);
  expect((await run([one, one])).results).toMatchObject([{ handled: { length: 1 }, duplicates: 1 }]);
  expect(await effects()).toEqual(['a:1']);
});

test('one bad event in many costs only itself, and what follows it waits', async () => {
  refused.add('bad');
  const many = Array.from({ length: 60 }, (_, at) => order(`k${at}`, 1));
  const { hold } = await run([...many.slice(0, 30), order('bad', 1), ...many.slice(30), order('bad', 2)]);
  expect(hold).toBeUndefined();
  expect((await effects()).sort()).toEqual(many.map(({ key }) => `${key}:1`).sort());
  expect(await letters()).toEqual(['bad dead refused 1', 'bad parked  0']);
  await run([order('bad', 3), order('k1', 2)]);
  expect(await letters()).toHaveLength(3);
  expect(await effects()).toContain('k1:2');
});

test('what cannot be read becomes a letter with its bytes, whatever else is wrong with it', async () => {
  const poison = {
    ...order('p', 1, '5'),
    id: undefined,
    result: { error: new CodecError('truncated', 'cut'), attempts: 1 },
  };
  const keyless = { ...poison, key: undefined, position: { ...poison.position, offset: '6' } };
  await run([poison, order('p', 2), keyless, order('q', 1)]);
  await run([poison, keyless]);
  expect(await letters()).toEqual(['p dead truncated 1', 'p parked  0', ' dead truncated 1']);
  expect(await effects()).toEqual(['q:1']);
  const [row] = await database.admin`select value, headers from dead_letters where "offset" = 5`;
  expect(row?.['value']).toEqual(poison.message.value);
  expect(row?.['headers']).toContainEqual(['ce_type', 'walpost.orders.OrderCreated']);
});

test('bad luck is tried again, and counted; in the end it is a letter', async () => {
  const deadlock = () => Object.assign(new Error('deadlock'), { code: 'GATEWAY_TIMEOUT', retryable: true });
  const attempts = { offset: '', count: 0 };
  unlucky = [deadlock()];
  const { hold } = await run([order('a', 1, '3')], attempts);
  expect(hold).toMatchObject({ offset: '3', verdict: 'again', attempt: 1 });
  expect((await run([order('a', 1, '3')], attempts)).hold).toBeUndefined();
  expect(await effects()).toEqual(['a:1']);

  const unending = order('b', 1, '4');
  for (let attempt = 1; attempt < 6; attempt++) {
    unlucky = [deadlock()];
    expect((await run([unending], attempts)).hold).toMatchObject({ attempt });
  }
  unlucky = [deadlock()];
  expect((await run([unending], attempts)).hold).toBeUndefined();
  expect(await letters()).toEqual(['b dead GATEWAY_TIMEOUT 6']);
});

test('while the database is away nothing is set aside, however often it is tried', async () => {
  const gone = () => Object.assign(new Error('away'), { code: 'ECONNREFUSED' });
  const attempts = { offset: '', count: 0 };
  for (let attempt = 1; attempt <= 20; attempt++) {
    unlucky = [gone()];
    expect((await run([order('a', 1, '3'), order('b', 1, '4')], attempts)).hold).toMatchObject({
      verdict: 'wait',
    });
  }
  expect(await letters()).toEqual([]);
  expect(await effects()).toEqual([]);
});

test('an event of a type that the service does not know is never passed over', async () => {
  const unknown = order('a', 1);
  if ('event' in unknown.result)
    unknown.result = { event: { ...unknown.result.event, type: 'StockReserved' } as never };
  await run([unknown]);
  expect(await letters()).toEqual(['a dead unhandled-type 1']);
});

test('a replay runs a key’s letters in their order, once, and only when the cause is mended', async () => {
  refused.add('bad');
  await run([order('bad', 1), order('bad', 2), order('bad', 3)]);
  await replay();
  expect(await letters()).toEqual(['bad dead refused 2', 'bad parked  0', 'bad parked  0']);
  refused.clear();
  await replay();
  await replay();
  expect(await effects()).toEqual(['bad:1', 'bad:2', 'bad:3']);
  expect((await letters()).map((letter) => letter.split(' ')[1])).toEqual([
    'replayed',
    'replayed',
    'replayed',
  ]);
  await run([order('bad', 4)]);
  expect(await effects()).toContain('bad:4');
});

test('what was parked goes on by itself when what it waited for is discarded', async () => {
  refused.add('bad');
  await run([order('bad', 1), order('bad', 2)]);
  refused.clear();
  await database.admin`update dead_letters set state = 'discarded', discard_reason = 'x' where state = 'dead'`;
  await replayRequestedLetters(database.db, subscription, decoder, createLogger('test', 'silent'));
  expect(await effects()).toEqual(['bad:2']);
});

test('a gap and a step back are told', async () => {
  await run([order('a', 1)]);
  const { results } = await run([order('a', 4), order('a', 2)]);
  expect(results[0]?.oddities).toEqual([
    { kind: 'gap', key: 'a', last: 1, version: 4 },
    { kind: 'step-back', key: 'a', last: 4, version: 2 },
  ]);
});

test('old inbox rows go, new ones stay', async () => {
  await run([order('old', 1), order('new', 1)]);
  await database.admin`update inbox set received_at = now() - interval '15 days' where key = 'old'`;
  expect(await pruneInbox(database.db, 14, new AbortController().signal)).toBe(1);
  expect(await database.admin`select key from inbox`).toEqual([{ key: 'new' }]);
});
