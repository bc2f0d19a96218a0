import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { App } from '@walpost/kit/http/http';
import { createOutboxEncoder } from '@walpost/kit/outbox/outbox';
import { createLogger } from '@walpost/kit/telemetry/logger';
import { readOutbox } from 'walpost/testing/received';
import { type Answer, type Ask, serve } from 'walpost/testing/serve';
import { contract } from '../../../schemas/contract.generated.ts';
import { openTestDatabase, type TestDatabase } from '../../../tests/stack/database.ts';
import { buildApp } from '../app.ts';

let database: TestDatabase;
let app: App;
let ask: Ask;

beforeAll(async () => {
  database = await openTestDatabase('orders');
  app = await buildApp({
    databases: { intake: database.db, cancels: database.db, reads: database.db },
    encode: createOutboxEncoder(contract, '/walpost/order-service', () => 1),
    clock: () => new Date(),
    logger: createLogger('test', 'silent'),
    readiness: { database: database.ping },
  });
  ask = await serve(app);
});
afterAll(async () => {
  await app?.close();
  await database?.close();
});

const ORDER = {
  customerId: 'ada',
  currency: 'EUR',
  items: [
    { sku: 'BOOK-1', quantity: 2, unitPrice: 1250 },
    { sku: 'MUG-1', quantity: 1, unitPrice: 999 },
  ],
};
const ITEM = { sku: 'A', quantity: 1, unitPrice: 1 };

function post(body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  return ask('/orders', { method: 'POST', headers, body });
}

async function written(): Promise<{ orders: number; outbox: number }> {
  const [row] = await database.admin`
    select (select count(*)::int from orders) as orders, (select count(*)::int from outbox) as outbox`;
  return row as { orders: number; outbox: number };
}

test('an order is answered 201 with what was written, and its event is in the outbox', async () => {
  const response = await post(ORDER, {
    traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  });
  expect(response.status).toBe(201);
  const order = response.json;
  expect(order).toMatchObject({ ...ORDER, totalAmount: 3499, status: 'PENDING' });
  expect(response.headers.get('location')).toBe(`/orders/${order.id}`);
  expect((await ask(`/orders/${order.id}`)).json).toEqual(order);

  const [event] = (await readOutbox(database.admin)).filter(({ orderId }) => orderId === order.id);
  expect(event).toMatchObject({ type: 'OrderCreated', version: 1, data: { ...ORDER, totalAmount: 3499 } });
  const [row] =
    await database.admin`select traceparent, ce_source from outbox where aggregateid = ${order.id}`;
  expect(row?.['ce_source']).toBe('/walpost/order-service');
  expect(row?.['traceparent']).toMatch(/^00-4bf92f3577b34da6a3ce929d0e0e4736-/);
});

const text = (length: number) => 'x'.repeat(length);
test.each<[string, unknown, number, string]>([
  ['malformed JSON', '{"customerId":', 400, 'body'],
  ['no object', '[]', 400, 'body'],
  ['null', 'null', 400, 'body'],
  ['an empty body', '', 400, 'body'],
  ['a prototype', '{"__proto__":{"x":1}}', 400, 'body'],
  ['a missing field', { ...ORDER, currency: undefined }, 400, 'body/currency'],
  ['an unknown field', { ...ORDER, discount: 1 }, 400, 'body/discount'],
  ['an unknown field in an item', { ...ORDER, items: [{ ...ITEM, x: 1 }] }, 400, 'body/items/0/x'],
  ['a number as text', { ...ORDER, items: [{ ...ITEM, quantity: '1' }] }, 400, 'body/items/0/quantity'],
  ['no items', { ...ORDER, items: [] }, 400, 'body/items'],
  ['101 items', { ...ORDER, items: Array(101).fill(ITEM) }, 400, 'body/items'],
  ['quantity zero', { ...ORDER, items: [{ ...ITEM, quantity: 0 }] }, 400, 'body/items/0/quantity'],
  [
    'a negative quantity',
    { ...ORDER, items: [ITEM, { ...ITEM, quantity: -1 }] },
    400,
    'body/items/1/quantity',
  ],
  ['half a piece', { ...ORDER, items: [{ ...ITEM, quantity: 0.5 }] }, 400, 'body/items/0/quantity'],
  [
    'a quantity beyond 2^53',
    { ...ORDER, items: [{ ...ITEM, quantity: 2 ** 53 }] },
    400,
    'body/items/0/quantity',
  ],
  ['a negative price', { ...ORDER, items: [{ ...ITEM, unitPrice: -1 }] }, 400, 'body/items/0/unitPrice'],
  [
    'a fraction of a cent',
    { ...ORDER, items: [{ ...ITEM, unitPrice: 9.99 }] },
    400,
    'body/items/0/unitPrice',
  ],
  [
    'a price beyond 2^53',
    { ...ORDER, items: [{ ...ITEM, unitPrice: 2 ** 53 }] },
    400,
    'body/items/0/unitPrice',
  ],
  [
    'an exponent',
    '{"customerId":"a","currency":"EUR","items":[{"sku":"A","quantity":1,"unitPrice":1e400}]}',
    400,
    'body/items/0/unitPrice',
  ],
  [
    'a sum that overflows',
    { ...ORDER, items: [{ ...ITEM, quantity: 1e6, unitPrice: 2 ** 52 }] },
    422,
    'body/items',
  ],
  ['a currency that is withdrawn', { ...ORDER, currency: 'HRK' }, 422, 'body/currency'],
  ['an unknown currency', { ...ORDER, currency: 'ABC' }, 422, 'body/currency'],
  ['a currency in small letters', { ...ORDER, currency: 'eur' }, 400, 'body/currency'],
  ['an empty customer', { ...ORDER, customerId: '' }, 400, 'body/customerId'],
  ['a customer of 10 kB', { ...ORDER, customerId: text(10_000) }, 400, 'body/customerId'],
  ['a customer with NUL', { ...ORDER, customerId: 'a\0' }, 400, 'body/customerId'],
  ['an empty sku', { ...ORDER, items: [{ ...ITEM, sku: '' }] }, 400, 'body/items/0/sku'],
  ['a sku of 10 kB', { ...ORDER, items: [{ ...ITEM, sku: text(10_000) }] }, 400, 'body/items/0/sku'],
  ['a body over 64 kB', { ...ORDER, customerId: text(70_000) }, 413, 'body'],
])('%s is refused, names its field, and writes nothing', async (_what, payload, status, field) => {
  const before = await written();
  const response = await post(payload);
  expect(response.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
  const problem = response.json;
  expect([response.status, problem.status]).toEqual([status, status]);
  expect(problem.type).toMatch(/^urn:walpost:problem:[a-z-]+$/);
  expect(problem.errors.map((each: { field: string }) => each.field)).toContain(field);
  expect(await written()).toEqual(before);
});

test.each([
  ['JSON named and no body', { 'content-type': 'application/json' }, undefined],
  ['an empty form', { 'content-type': 'application/x-www-form-urlencoded' }, ''],
  ['a body that nobody asked for', { 'content-type': 'text/plain' }, 'please'],
])('an order is cancelled by a request with %s', async (_what, headers, body) => {
  const { id } = (await post(ORDER)).json;
  const answer = await ask(`/orders/${id}/cancel`, {
    method: 'POST',
    headers,
    ...(body !== undefined && { body }),
  });
  expect([answer.status, answer.json.status]).toEqual([200, 'CANCELLED']);
});

test('another content type is refused with 415', async () => {
  const response = await post('a=b', { 'content-type': 'application/x-www-form-urlencoded' });
  expect(response.status).toBe(415);
  expect(response.json.errors[0].field).toBe('headers/content-type');
});

test.each([
  '/orders/urn:uuid:ID',
  '/orders/ID%00',
  '/orders?customerId=ada&cursor=urn:uuid:ID',
  '/orders?customerId=a%00',
])('%s is the client’s mistake', async (path) => {
  const answer = await ask(path.replace('ID', '01890a5d-ac96-774b-bcce-b302099a8057'));
  expect([answer.status, answer.json.status]).toEqual([400, 400]);
});

test('an id that is no UUID is a 400, one that nobody has a 404, an unknown path too', async () => {
  expect((await ask('/orders/17')).json).toMatchObject({
    status: 400,
    errors: [{ field: 'params/id' }],
  });
  const unknown = '01890a5d-ac96-774b-bcce-b302099a8057';
  expect((await ask(`/orders/${unknown}`)).json.type).toBe('urn:walpost:problem:order-not-found');
  expect((await ask(`/orders/${unknown}/cancel`, { method: 'POST' })).status).toBe(404);
  expect((await ask('/nowhere')).json.status).toBe(404);
});

test('the same key and body give the same answer and one order; another body is refused', async () => {
  const key = { 'idempotency-key': 'key-1' };
  const first = await post(ORDER, key);
  const before = await written();
  const again = await post({ items: ORDER.items, currency: 'EUR', customerId: 'ada' }, key);
  expect([again.status, again.json]).toEqual([201, first.json]);
  expect(again.headers.get('idempotency-replayed')).toBe('true');
  const other = await post({ ...ORDER, customerId: 'bob' }, key);
  expect(other.json).toMatchObject({ status: 422, errors: [{ field: 'headers/idempotency-key' }] });
  expect(await written()).toEqual(before);
});

test('twenty at once with one key make one order', async () => {
  const before = await written();
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => post(ORDER, { 'idempotency-key': 'key-2' })),
  );
  expect(new Set(answers.map((each) => each.json.id)).size).toBe(1);
  expect(answers.map((each) => each.status)).toEqual(Array(20).fill(201));
  expect(await written()).toEqual({ orders: before.orders + 1, outbox: before.outbox + 1 });
});

test('a pending order is cancelled once', async () => {
  const { id } = (await post(ORDER)).json;
  const cancel = () => ask(`/orders/${id}/cancel`, { method: 'POST' });
  const answers = await Promise.all([cancel(), cancel(), cancel()]);
  expect(answers.map((each) => each.status).sort()).toEqual([200, 409, 409]);
  expect((await ask(`/orders/${id}`)).json).toMatchObject({
    status: 'CANCELLED',
    cancellationReason: 'cancelled by the customer',
  });
  const events = (await readOutbox(database.admin)).filter(({ orderId }) => orderId === id);
  expect(events.map(({ type, version }) => [type, version])).toEqual([
    ['OrderCreated', 1],
    ['OrderCancelled', 2],
  ]);
});

test('an order is cancelled by its id in capitals, and the event keeps the order’s key', async () => {
  const { id } = (await post(ORDER)).json;
  const answer = await ask(`/orders/${id.toUpperCase()}/cancel`, { method: 'POST' });
  expect([answer.status, answer.json.id]).toEqual([200, id]);
  const events = (await readOutbox(database.admin)).filter(({ data }) => data['orderId'] === id);
  expect(events.map(({ type, orderId }) => [type, orderId])).toEqual([
    ['OrderCreated', id],
    ['OrderCancelled', id],
  ]);
});

test('a customer’s orders come newest first, page by page', async () => {
  const customerId = 'pager';
  const ids: string[] = [];
  for (let count = 0; count < 5; count++) ids.push((await post({ ...ORDER, customerId })).json.id);
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const url = `/orders?customerId=${customerId}&limit=2${cursor ? `&cursor=${cursor}` : ''}`;
    const page = (await ask(url)).json;
    seen.push(...page.orders.map((order: { id: string }) => order.id));
    cursor = page.next;
  } while (cursor);
  expect(seen).toEqual(ids.reverse());
  const refused = await ask(`/orders?customerId=${customerId}&limit=1000`);
  expect(refused.json).toMatchObject({ status: 400, errors: [{ field: 'querystring/limit' }] });
});

test('the service’s role may insert into the outbox and do nothing else with it', async () => {
  const { $client } = database.db as unknown as { $client: { unsafe(query: string): Promise<unknown> } };
  for (const query of [
    'select from outbox',
    'update outbox set type = type',
    'delete from outbox',
    'truncate outbox',
  ]) {
    await expect($client.unsafe(query)).rejects.toMatchObject({ code: '42501' });
  }
});

test('the OpenAPI document names every route and the problem', async () => {
  const document = (await ask('/docs/json')).json;
  expect(Object.keys(document.paths).sort()).toEqual([
    '/health/live',
    '/health/ready',
    '/orders',
    '/orders/{id}',
    '/orders/{id}/cancel',
  ]);
  expect(document.components.schemas.Problem.required).toEqual(['type', 'title', 'status', 'detail']);
  expect((await ask('/docs/')).headers.get('content-type')).toContain('text/html');
});
