import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { Handlers } from '@walpost/kit/consumer/handle-batch';
import { noAttempts, processBatch } from '@walpost/kit/consumer/process-batch';
import { MessageError, type ReceivedEvent, receive } from '@walpost/kit/consumer/receive';
import { replayRequestedDeadLetters } from '@walpost/kit/consumer/replay-dead-letters';
import { createDecoder, encode } from '@walpost/kit/contract/codec';
import { createRegistry } from '@walpost/kit/contract/registry';
import { type Database, openDatabase, type Tx } from '@walpost/kit/postgres/database';
import { every } from '@walpost/kit/schedule';
import { kitMigrations, migrateDatabase } from '@walpost/kit/service/migrate';
import { createLogger } from '@walpost/kit/telemetry/logger';
import postgres from 'postgres';
import { v7 as uuidv7 } from 'uuid';
import { contract } from '../../../../schemas/contract.generated.ts';
import { cells, walpost } from '../../testing/run-cli.ts';
import { eventually, setting } from '../../testing/support.ts';

// The command line knows the services' databases by name; this is a payment database with nothing but the kit's tables.
const DATABASE = 'payments';
const env = process.env as Record<string, string>;
const logger = createLogger('test', 'silent');

let admin: postgres.Sql;
let database: Database;
let schemaId: number;
let refused: Set<string>;
let effects: string[];
let nextOffset: number;
let stopService: () => Promise<void> = async () => undefined;

beforeAll(async () => {
  const server = { host: setting(env, 'POSTGRES_HOST'), port: Number(setting(env, 'POSTGRES_PORT')) };
  const adminPassword = setting(env, 'POSTGRES_PASSWORD');
  const appPassword = setting(env, 'PAYMENTS_PASSWORD');
  const migrations = [kitMigrations.inbox];
  await migrateDatabase({ ...server, adminPassword, database: DATABASE, appPassword, migrations });
  const superuser = { ...server, username: 'postgres', password: adminPassword, max: 1 };
  admin = postgres({ ...superuser, database: DATABASE, onnotice: () => undefined });
  const user = `${DATABASE}_app`;
  database = openDatabase({
    ...server,
    database: DATABASE,
    user,
    password: appPassword,
    applicationName: 'test',
  });
  const registry = createRegistry({ url: setting(env, 'SCHEMA_REGISTRY_URL') });
  // The registry's very first request can take longer than its clients wait.
  schemaId = await eventually(() => registry.register(contract.eventType('OrderCreated')));
});
afterAll(async () => {
  await database?.close();
  await admin?.end();
});
beforeEach(async () => {
  await admin`truncate inbox, dead_letters restart identity`;
  refused = new Set();
  effects = [];
  nextOffset = 100;
  stopService = async () => undefined;
});
afterEach(() => stopService());

const on: Handlers = {
  OrderCreated: async (_tx: Tx, events: ReceivedEvent[]) => {
    for (const { key, version } of events) {
      if (refused.has(key)) throw new MessageError('refused', `${key} is refused`);
      effects.push(`${key}:${version}`);
    }
  },
};

const decoder = () =>
  createDecoder({ contract, registry: createRegistry({ url: setting(env, 'SCHEMA_REGISTRY_URL') }) });

/** Begins what a running service does once a second. */
function startService(): void {
  const failures = new Map();
  const replay = () =>
    replayRequestedDeadLetters({ db: database.db, on, decoder: decoder(), logger, failures });
  stopService = every(50, 'replay', logger, replay);
}

/** Handles a record as a service's consumer would. */
async function consume(key: string | null, version: number, cut = 0): Promise<void> {
  const order = {
    orderId: String(key),
    customerId: 'ada',
    currency: 'EUR',
    items: [],
    totalAmount: 7,
    createdAt: 1,
  };
  const value = encode(schemaId, contract.eventType('OrderCreated'), order);
  const offset = String(nextOffset++);
  const received = await receive(
    decoder(),
    { topic: 'order-events', partition: 3, offset },
    {
      key: key === null ? null : Buffer.from(key),
      value: value.subarray(0, value.length - cut),
      headers: { ce_id: uuidv7(), aggregateversion: String(version), odd: 'a\u001b[31mb' },
      timestamp: '1750000000000',
      attributes: 0,
      offset,
    },
  );
  await processBatch(database.db, on, [received], noAttempts(), () => undefined);
}

async function states(): Promise<string> {
  const rows =
    await admin`select state, replay_requested_at is not null as asked from dead_letters order by id`;
  return rows
    .map((row) => `${row['state']}${row['asked'] && row['state'] === 'parked' ? '!' : ''}`)
    .join(' ');
}

const deadLetters = (...args: string[]) => walpost(['dead-letters', ...args, '--service', 'payment']);

test('list shows open dead letters, of one key if wanted, and closed ones only with --all', async () => {
  refused.add('a');
  await consume('a', 1);
  await consume('a', 2);
  await consume('b', 1, 2);
  await admin`update dead_letters set state = 'replayed' where key = 'b'`;
  const { stdout, code } = await deadLetters('list');
  expect(code).toBe(0);
  expect(cells(stdout).map((row) => [...row.slice(0, 8), row[9]])).toEqual([
    ['payment', '1', 'dead', 'order-events/3@100', 'a', 'refused', 'a is refused', '1', '1'],
    ['payment', '2', 'parked', 'order-events/3@101', 'a', '-', '-', '0', '0'],
  ]);
  expect(cells((await deadLetters('list', '--all', '--key', 'b')).stdout)).toHaveLength(1);
  const json = JSON.parse((await deadLetters('list', '--json')).stdout);
  expect(json).toMatchObject([{ service: 'payment', id: 1, offset: '100', parkedBehind: 1 }, { id: 2 }]);
  const limited = await deadLetters('list', '--limit', '1');
  expect(cells(limited.stdout)).toHaveLength(1);
  expect(limited.stderr).toContain('showing 1 of 2');
});

test('list without a service shows who can be reached, and warns about the others', async () => {
  await consume('b', 1, 2);
  const { stdout, stderr, code } = await walpost(['dead-letters', 'list'], { ORDERS_PASSWORD: '' });
  expect(code).toBe(0);
  expect(cells(stdout)).toHaveLength(1);
  expect(stderr).toContain('walpost: warning: order: ORDERS_PASSWORD is not set');
  expect(stderr).toMatch(
    /walpost: warning: inventory: \S+ refuses the role inventory_app; is INVENTORY_PASSWORD right\?/,
  );
});

test('what cannot be reached ends in one line', async () => {
  const away = await walpost(['dead-letters', 'show', '1', '--service', 'payment', '--wait', '0'], {
    POSTGRES_PORT: '1',
  });
  expect(away.code).toBe(1);
  expect(away.stderr).toMatch(/^walpost: payment: database payments at \S+:1: .*ECONNREFUSED.*\n$/);
  const unset = await walpost(['dead-letters', 'list', '--service', 'payment'], { PAYMENTS_PASSWORD: '' });
  expect(unset).toMatchObject({
    code: 1,
    stderr: 'walpost: payment: PAYMENTS_PASSWORD is not set; it is the password of payments_app\n',
  });
  expect(await deadLetters('show', '99')).toMatchObject({ code: 1, stdout: '' });
});

test('show decodes with the contract, and without the registry says why not', async () => {
  refused.add('a');
  await consume('a', 1);
  const { stdout } = await deadLetters('show', '1');
  expect(stdout).toContain('refused: a is refused');
  expect(stdout).toContain('  odd: a\\u{1b}[31mb');
  expect(stdout).toMatch(/value \(\d+ bytes, schema id \d+\)\n {2}00000000 {2}00 00 00/);
  expect(stdout).toMatch(/decoded \(contract, OrderCreated\)\n(?:.*\n)*? *"totalAmount": 7/);
  const args = ['dead-letters', 'show', '1', '--service', 'payment'];
  const alone = await walpost(args, { SCHEMA_REGISTRY_URL: 'http://localhost:1' });
  expect(alone.code).toBe(0);
  expect(alone.stdout).toMatch(/not decoded\n {2}schema id \d+ could not be asked for: .*ECONNREFUSED/);
  const json = JSON.parse((await deadLetters('show', '1', '--json')).stdout);
  expect(Buffer.from(json.value, 'base64').readUInt32BE(1)).toBe(schemaId);
  expect(json).toMatchObject({ errorCode: 'refused', decoded: { by: 'contract', type: 'OrderCreated' } });
});

test('a replay is dry at first; with --yes the service runs the dead letters in their order; twice is no harm', async () => {
  refused.add('a');
  for (const version of [1, 2, 3]) await consume('a', version);
  const dry = await deadLetters('replay', 'a');
  expect(dry.code).toBe(0);
  expect(cells(dry.stdout).map((row) => row.slice(0, 3))).toEqual([
    ['1', '1', 'dead'],
    ['2', '2', 'parked'],
    ['3', '3', 'parked'],
    ['dry run, nothing changed; re-run with --yes to apply'],
  ]);
  expect(await states()).toBe('dead parked parked');

  refused.clear();
  startService();
  const done = await deadLetters('replay', 'a', '--yes');
  expect(done).toMatchObject({ code: 0, stderr: '' });
  expect(cells(done.stdout).map((row) => [row[0], row[3]])).toEqual([
    ['1', 'replayed'],
    ['2', 'replayed'],
    ['3', 'replayed'],
  ]);
  expect(effects).toEqual(['a:1', 'a:2', 'a:3']);
  expect(await deadLetters('replay', 'a', '--yes')).toMatchObject({
    code: 0,
    stdout: 'nothing to replay: no dead letter of these is open\n',
  });
  expect(effects).toHaveLength(3);
});

test('a dead letter that fails again is reported, with those that wait behind it; other keys are replayed', async () => {
  refused.add('a').add('b');
  for (const key of ['a', 'a', 'b']) await consume(key, 1);
  refused.delete('b');
  startService();
  const { code, stdout, stderr } = await deadLetters('replay', '--all', '--yes');
  expect(code).toBe(1);
  expect(cells(stdout).map((row) => row[3])).toEqual(['failed', 'waits', 'replayed']);
  expect(stdout).toContain('refused: a is refused');
  expect(stderr).toBe('walpost: 1 of 3 failed again, 1 wait behind; fix the cause, or discard\n');
  expect(await states()).toBe('dead parked replayed');
});

test('without a running service the request is kept, and is carried out when it starts', async () => {
  refused.add('a');
  await consume('a', 1);
  refused.clear();
  const { code, stderr } = await deadLetters('replay', '--id', '1', '--yes', '--wait', '1');
  expect(code).toBe(1);
  expect(stderr).toMatch(/^walpost: payment-service has not replayed 1 of 1 within 1 s: it must be running/);
  startService();
  await eventually(async () => ((await states()) === 'replayed' ? true : undefined));
});

test('an event that is parked after the request is replayed too', async () => {
  refused.add('a');
  await consume('a', 1);
  refused.clear();
  const running = deadLetters('replay', 'a', '--yes');
  await eventually(async () => {
    const [row] = await admin`select from dead_letters where replay_requested_at is not null`;
    return row && true;
  });
  await consume('a', 2);
  expect(await states()).toBe('dead parked');
  startService();
  expect(cells((await running).stdout).map((row) => row[3])).toEqual(['replayed']);
  await eventually(async () => ((await states()) === 'replayed replayed' ? true : undefined));
  expect(effects).toEqual(['a:1', 'a:2']);
});

test('a dead letter without a key is replayed by its id alone', async () => {
  await consume(null, 1);
  refused.add('a');
  await consume('a', 1);
  const dry = await deadLetters('replay', '--id', '1');
  expect(cells(dry.stdout)).toHaveLength(2);
  expect((await deadLetters('replay')).code).toBe(2);
  expect((await deadLetters('replay', 'a', '--all')).code).toBe(2);
  expect(await deadLetters('replay', 'nobody')).toMatchObject({
    code: 1,
    stderr: 'walpost: no dead letter has the key nobody\n',
  });
});

test('a discarded dead letter is kept with its reason, and what waits behind no other goes on', async () => {
  refused.add('a');
  await consume('a', 1);
  await consume('a', 2);
  await consume('a', 3, 2);
  await consume('a', 4);
  refused.clear();
  expect(await states()).toBe('dead parked dead parked');
  expect((await deadLetters('discard', '1', '--reason', ' ', '--yes')).code).toBe(2);
  const dry = await deadLetters('discard', '1', '--reason', 'test');
  expect(dry.stdout).toContain('1 parked behind it would go on: 2\ndry run');
  expect(await states()).toBe('dead parked dead parked');

  const done = await deadLetters('discard', '1', '--reason', 'sent by a test', '--yes');
  expect(done.stdout).toContain('1 parked behind it goes on: 2\n');
  expect(await states()).toBe('discarded parked dead parked');
  startService();
  await eventually(async () => ((await states()) === 'discarded replayed dead parked' ? true : undefined));
  expect(effects).toEqual(['a:2']);
  expect((await deadLetters('show', '1')).stdout).toMatch(/discarded +sent by a test/);
  expect((await deadLetters('discard', '1', '--reason', 'again', '--yes')).stderr).toMatch(
    /^walpost: dead letter 1 is closed: discarded since \d{4}-.*\n$/,
  );
});
