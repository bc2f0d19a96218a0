import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { MAX_PAYLOAD_BYTES } from '@walpost/kit/outbox/outbox';
import type postgres from 'postgres';
import { call, connectTo, eventually, placeOrders, readTopic } from 'walpost/testing/support';
import { type TestStack, testStack } from 'walpost/testing/test-stack';

let stack: TestStack;
let orders: postgres.Sql;
const PARTS = ['postgres', 'registry', 'migrate-order', 'schemas', 'order', 'kafka', 'connect'];

beforeAll(async () => {
  stack = await testStack(PARTS);
  orders = connectTo(stack.env, 'orders');
});
afterAll(async () => {
  await orders?.end();
  await stack?.close();
});

test('orders placed before topics and connector exist arrive, once and in order, while more come in', async () => {
  const early = await placeOrders(stack.env, 300);
  const cancelled = early.slice(0, 50);
  for (const id of cancelled) {
    expect((await call(stack.env, `/orders/${id}/cancel`, { method: 'POST' })).status).toBe(200);
  }
  await stack.operate('topics', 'apply');
  const [late] = await Promise.all([
    placeOrders(stack.env, 300),
    stack.operate('connectors', 'apply', 'order-outbox'),
  ]);

  const [outbox] = await orders`select count(*)::int as n from outbox`;
  expect(outbox?.['n']).toBe(early.length + late.length + cancelled.length);

  const records = await eventually(async () => {
    const read = await readTopic(stack.env, 'order-events');
    return read.length >= outbox?.['n'] ? read : undefined;
  });
  const versions = new Map<string, string[]>();
  for (const { key, headers } of records) {
    const id = String(key);
    versions.set(id, [...(versions.get(id) ?? []), String(headers?.['aggregateversion'])]);
  }
  expect(versions.size).toBe(600);
  for (const [id, seen] of versions)
    expect([id, seen]).toEqual([id, cancelled.includes(id) ? ['1', '2'] : ['1']]);
});

test('a relay that is stopped right after an event moves its slot on when it is back, though nothing happens', async () => {
  const position = async () => String((await orders`select pg_current_wal_lsn() as lsn`)[0]?.['lsn']);
  const confirmed = (lsn: string) =>
    eventually(async () => {
      const [slot] = await orders`select confirmed_flush_lsn > ${lsn}::text::pg_lsn as is
        from pg_replication_slots where slot_name = 'order_outbox'`;
      return slot?.['is'] || undefined;
    });
  const before = await position();
  await placeOrders(stack.env, 1);
  await confirmed(before);
  await stack.stop('connect');
  await stack.start('connect');
  // Two heartbeats: with the first one it finds out where it is.
  await confirmed(await position());
});

const row = () => ({
  id: randomUUID(),
  aggregatetype: 'order',
  aggregateid: randomUUID(),
  aggregateversion: 1,
  type: 'walpost.orders.OrderCreated',
  payload: Buffer.from('some bytes'),
  ce_source: '/walpost/order-service',
  content_type: 'application/avro',
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  created_at: '2026-11-29T00:00:00Z',
});

/** Waits until the topic has these events. @returns their records by their ids */
async function arrived(ids: readonly string[]) {
  return eventually(async () => {
    const read = await readTopic(stack.env, 'order-events');
    const byId = new Map(read.map((record) => [String(record.headers?.['ce_id']), record]));
    return ids.every((id) => byId.has(id)) ? byId : undefined;
  });
}

test('what the role cdc has been given, here and everywhere, does not reach the relay', async () => {
  const given = { bytea_output: 'escape', statement_timeout: '1', default_transaction_read_only: 'on' };
  const change = async (how: (setting: string, value: string) => string) => {
    for (const [setting, value] of Object.entries(given))
      for (const whose of ['role cdc', 'role cdc in database orders'])
        await orders.unsafe(`alter ${whose} ${how(setting, value)}`);
  };
  await change((setting, value) => `set ${setting} = '${value}'`);
  try {
    // What is given counts for sessions that begin after it.
    await stack.operate('connectors', 'restart', 'order-outbox');
    const odd = { ...row(), payload: Buffer.from([0, 1, 92, 127, 128, 255]) };
    await orders`insert into outbox ${orders(odd)}`;
    expect((await arrived([odd.id])).get(odd.id)?.value).toEqual(odd.payload);
  } finally {
    await change((setting) => `reset ${setting}`);
  }
});

test('the largest row that the outbox takes arrives whole; one byte more is refused, and stops nobody', async () => {
  const largest = {
    ...row(),
    aggregateid: 'k'.repeat(200),
    payload: randomBytes(MAX_PAYLOAD_BYTES),
    ce_source: 's'.repeat(200),
    content_type: 'c'.repeat(200),
    traceparent: 't'.repeat(200),
  };
  await orders`insert into outbox ${orders(largest)}`;
  await expect(
    orders`insert into outbox ${orders({ ...largest, aggregateversion: 2, payload: randomBytes(MAX_PAYLOAD_BYTES + 1) })}`,
  ).rejects.toMatchObject({ code: '23514', constraint_name: 'outbox_payload_size' });
  const after = row();
  await orders`insert into outbox ${orders(after)}`;
  const records = await arrived([largest.id, after.id]);
  expect(records.get(largest.id)?.value?.equals(largest.payload)).toBe(true);
  expect(String(records.get(largest.id)?.key)).toBe(largest.aggregateid);
});

test('every odd row that the outbox takes arrives', async () => {
  const odd = [
    { aggregateid: `a "b'\n\t\u0001` },
    { aggregateid: 'é'.repeat(100) },
    { aggregateid: '💣' },
    { payload: Buffer.alloc(0) },
    { created_at: '2000-01-01T00:00:00Z' },
    { created_at: '2199-12-31T23:59:59.999999Z' },
    { aggregateversion: 2_147_483_647 },
    { ce_source: '{"a": 1}' },
    { ce_source: 'ü\r\nx: y' },
    { traceparent: ' ' },
    { content_type: 'null' },
    { id: '00000000-0000-0000-0000-000000000000' },
    { id: 'ffffffff-ffff-ffff-ffff-ffffffffffff' },
  ].map((each) => ({ ...row(), ...each }));
  for (const each of odd) await orders`insert into outbox ${orders(each)}`;
  const records = await arrived(odd.map(({ id }) => id));
  for (const { id, aggregateid } of odd)
    expect([id, String(records.get(id)?.key)]).toEqual([id, aggregateid]);
});

test('logical messages of anybody are passed over, and the slot moves on behind them', async () => {
  for (const prefix of ['x', '', 'heartbeat2', 'HEARTBEAT', 'a,b', 'a\nb', 'ü'.repeat(300)]) {
    for (const inTransaction of [true, false])
      await orders`select pg_logical_emit_message(${inTransaction}, ${prefix}::text, ${'y'.repeat(100)}::text)`;
  }
  await orders`select pg_logical_emit_message(true, 'x', decode(repeat('00ff', 1000000), 'hex'), true)`;
  const after = row();
  await orders`insert into outbox ${orders(after)}`;
  await arrived([after.id]);
  const [position] = await orders`select pg_current_wal_lsn() as lsn`;
  await eventually(async () => {
    const [slot] = await orders`select confirmed_flush_lsn >= ${String(position?.['lsn'])}::text::pg_lsn as is
      from pg_replication_slots where slot_name = 'order_outbox'`;
    return slot?.['is'] || undefined;
  });
  const { code, stdout } = await stack.walpost('connectors', 'status', 'order-outbox', '--json');
  expect([code, JSON.parse(stdout)]).toMatchObject([0, [{ taskState: 'RUNNING' }]]);
});
