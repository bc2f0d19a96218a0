import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { encode } from '@walpost/kit/contract/codec';
import type { DomainEvent } from '@walpost/kit/contract/contract';
import { createRegistry } from '@walpost/kit/contract/registry';
import type postgres from 'postgres';
import { v7 as uuidv7 } from 'uuid';
import { connectTo, eventually, kafkaOf, setting } from 'walpost/testing/support';
import { type TestStack, testStack } from 'walpost/testing/test-stack';
import { contract } from '../schemas/contract.generated.ts';

const ORDERS = 10_000;
/** One order in fifty has a poisoned first event: one event in a hundred. */
const POISONED_EVERY = 50;
const KINDS = ['handler', 'unknown-schema-id', 'bad-magic-byte', 'truncated'] as const;
type Kind = (typeof KINDS)[number];

let stack: TestStack;
let sql: postgres.Sql;

beforeAll(async () => {
  stack = await testStack([
    'postgres',
    'kafka',
    'registry',
    'migrate-notification',
    'topics',
    'schemas',
    'notification',
  ]);
  const port = stack.sparePorts[0];
  if (port === undefined) throw new Error('the stack has no spare port');
  await stack.spawn('notification-2', 'dist/notification/main.js', port, {
    NOTIFICATION_PORT: String(port),
  });
  sql = connectTo(stack.env, 'notifications');
  // What the handler refuses, until somebody fixes it.
  await sql`alter table emails add constraint broken check (customer_id <> 'poison')`;
});
afterAll(async () => {
  await sql?.end();
  await stack?.close();
});

interface Sent {
  key: string;
  id: string;
  poison: Kind | undefined;
}

/** Two events for each order, some first ones poisoned, in the order of their keys. */
async function send(): Promise<Sent[]> {
  const registry = createRegistry({ url: setting(stack.env, 'SCHEMA_REGISTRY_URL') });
  const ids = new Map<string, number>();
  for (const name of ['OrderCreated', 'OrderConfirmed'] as const)
    ids.set(name, await registry.idOf(contract.eventType(name)));
  const bytes = (event: DomainEvent<'OrderCreated' | 'OrderConfirmed'>) =>
    encode(ids.get(event.type) ?? 0, contract.eventType(event.type), event.data);

  const producer = kafkaOf(stack.env).producer({ idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  const sent: Sent[] = [];
  for (let from = 0; from < ORDERS; from += 500) {
    const messages = Array.from({ length: 500 }, (_, at) => {
      const number = from + at;
      const poison =
        number % POISONED_EVERY === 0 ? KINDS[(number / POISONED_EVERY) % KINDS.length] : undefined;
      const orderId = uuidv7();
      const customerId = poison === 'handler' ? 'poison' : 'ada';
      const money = { orderId, customerId, currency: 'EUR', totalAmount: 100 };
      const created = bytes({ type: 'OrderCreated', data: { ...money, items: [], createdAt: 1 } });
      const confirmed = bytes({
        type: 'OrderConfirmed',
        data: { ...money, customerId: 'ada', confirmedAt: 1 },
      });
      return [
        { poison, value: poisoned(created, poison) },
        { poison: undefined, value: confirmed },
      ].map(({ poison: kind, value }, index) => {
        const id = uuidv7();
        sent.push({ key: orderId, id, poison: kind });
        return { key: orderId, value, headers: { ce_id: id, aggregateversion: String(index + 1) } };
      });
    }).flat();
    await producer.send({ topic: 'order-events', messages });
  }
  await producer.disconnect();
  return sent;
}

function poisoned(value: Buffer, kind: Kind | undefined): Buffer {
  const copy = Buffer.from(value);
  if (kind === 'unknown-schema-id') copy.writeInt32BE(987_654, 1);
  if (kind === 'bad-magic-byte') copy[0] = 9;
  return kind === 'truncated' ? copy.subarray(0, copy.length - 3) : copy;
}

async function count(query: string): Promise<number> {
  const [row] = await sql.unsafe(`select count(*)::int as n from ${query}`);
  return row?.['n'];
}

test('20,000 events, 1 % poison, two instances killed in turns: each acts once, and a replay leaves no difference', async () => {
  const sent = await send();
  const poison = sent.filter((each) => each.poison !== undefined);
  expect([sent.length, poison.length]).toEqual([20_000, 200]);

  let kills = 0;
  const members = ['notification', 'notification-2'];
  const done = async () => (await count('inbox')) >= sent.length;
  while (!(await done())) {
    const victim = members[kills % 2] ?? '';
    await stack.kill(victim, 'SIGKILL');
    kills++;
    await stack.ready(victim);
    const seen = await count('inbox');
    // The survivor, or both, get further before the next one dies.
    await eventually(async () => ((await count('inbox')) > seen || (await done()) ? true : undefined));
  }
  expect(kills).toBeGreaterThanOrEqual(2);

  const good = sent.length - 2 * poison.length;
  expect(await count('emails')).toBe(good);
  expect(await count(`dead_letters where state = 'dead'`)).toBe(poison.length);
  expect(await count(`dead_letters where state = 'parked'`)).toBe(poison.length);
  expect(await count('inbox')).toBe(sent.length);
  const codes =
    await sql`select error_code, count(*)::int as n from dead_letters where state = 'dead' group by 1 order by 1`;
  expect(codes.map((row) => [row['error_code'], row['n']])).toEqual([
    ['23514', 50],
    ['bad-magic-byte', 50],
    ['truncated', 50],
    ['unknown-schema-id', 50],
  ]);
  const outOfOrder = await sql`
    select a.order_id from emails a join emails b using (order_id)
    where a.kind = 'order-received' and b.kind = 'order-confirmed' and a.created_at > b.created_at`;
  expect(outOfOrder).toHaveLength(0);

  await sql`alter table emails drop constraint broken`;
  const broken = await sql<{ key: string }[]>`select key from dead_letters where error_code = '23514'`;
  await sql`update dead_letters set replay_requested_at = now() where key = any(${broken.map(({ key }) => key)})`;
  await eventually(async () => ((await count('emails')) >= good + 2 * broken.length ? true : undefined));
  for (const { id } of await sql`select id from dead_letters where state = 'dead' limit 3`) {
    await stack.operate(
      'dead-letters',
      'discard',
      String(id),
      '--service',
      'notification',
      '--reason',
      'made by a test',
      '--yes',
    );
  }
  await eventually(
    async () => ((await count('emails')) >= good + 2 * broken.length + 3 ? true : undefined),
    60,
  );
  expect(await count('emails')).toBe(good + 2 * broken.length + 3);
  expect(await count(`dead_letters where state in ('dead', 'parked')`)).toBe(
    2 * (poison.length - broken.length - 3),
  );
}, 600_000);
