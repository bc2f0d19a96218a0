import { expect, test } from '@jest/globals';
import avro from 'avsc';
import {
  call,
  endOf,
  eventually,
  placeOrder,
  readTopic,
  SAMPLE_ORDER,
  setting,
} from 'walpost/testing/support';
import { stack } from './stack.ts';

/** Asks one of the other services. */
async function ask(service: string, path: string): Promise<unknown> {
  const response = await fetch(`http://127.0.0.1:${setting(stack.env, `${service}_PORT`)}${path}`);
  return response.status === 200 ? response.json() : undefined;
}

test('an order goes all the way, and every service has acted on it', async () => {
  const { id } = await placeOrder(stack.env);
  expect(await endOf(stack.env, id)).toMatchObject({ id, status: 'CONFIRMED', totalAmount: 2500 });
  expect(await ask('PAYMENT', `/payments/${id}`)).toMatchObject({
    orderId: id,
    status: 'AUTHORIZED',
    amount: 2500,
  });
  expect(await ask('INVENTORY', `/reservations/${id}`)).toMatchObject({ orderId: id });
  const emails = await eventually(async () => {
    const answer = (await ask('NOTIFICATION', `/emails?orderId=${id}`)) as
      | { emails: { kind: string }[] }
      | undefined;
    return answer && answer.emails.length >= 2 ? answer.emails : undefined;
  });
  expect(emails.map(({ kind }) => kind)).toEqual(['order-received', 'order-confirmed']);
});

test('the e-mails reach the catcher, each once', async () => {
  const { id } = await placeOrder(stack.env);
  await endOf(stack.env, id);
  const inbox = await eventually(async () => {
    const answer = await fetch(`http://127.0.0.1:${setting(stack.env, 'MAIL_WEB_PORT')}/email`);
    const mails = (
      (await answer.json()) as { text: string; subject: string; to: { address: string }[] }[]
    ).filter(({ text }) => text.includes(id));
    return mails.length >= 2 ? mails : undefined;
  });
  expect(inbox.map(({ to }) => to[0]?.address)).toEqual(['ada@example.com', 'ada@example.com']);
});

test('with the database away an order is answered 503, and taken in again as soon as it is back', async () => {
  await stack.stop('postgres');
  const refused = await call(stack.env, '/orders', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(SAMPLE_ORDER),
  });
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
  expect(await refused.json()).toMatchObject({
    type: 'urn:walpost:problem:database-unavailable',
    status: 503,
  });
  const ready = await call(stack.env, '/health/ready');
  expect(ready.status).toBe(503);
  expect(Object.keys(((await ready.json()) as { problems: object }).problems)).toContain('database');
  expect((await call(stack.env, '/health/live')).status).toBe(200);
  await stack.start('postgres');
  const { id } = await eventually(() => placeOrder(stack.env));
  expect((await endOf(stack.env, id)).status).toBe('CONFIRMED');
  expect((await call(stack.env, '/health/ready')).status).toBe(200);
});

test('an order that cannot be paid is cancelled, and its stock goes back', async () => {
  const { id } = await placeOrder(stack.env, { ...SAMPLE_ORDER, customerId: 'mallory' });
  const order = await endOf(stack.env, id);
  expect(order.status).toBe('CANCELLED');
  expect(order.cancellationReason).toContain('payment declined');
  const reservation = await eventually(async () => {
    const answer = (await ask('INVENTORY', `/reservations/${id}`)) as { status: string } | undefined;
    return answer?.status === 'RELEASED' ? answer : undefined;
  });
  expect(reservation.status).toBe('RELEASED');
});

test('an order that is not in stock is cancelled, and its money goes back', async () => {
  const items = [{ sku: 'SOLD-OUT', quantity: 1, unitPrice: 700 }];
  const { id } = await placeOrder(stack.env, { ...SAMPLE_ORDER, items });
  const order = await endOf(stack.env, id);
  expect(order.status).toBe('CANCELLED');
  expect(order.cancellationReason).toContain('SOLD-OUT');
  const payment = await eventually(async () => {
    const answer = (await ask('PAYMENT', `/payments/${id}`)) as { status: string } | undefined;
    return answer && ['REFUNDED', 'DECLINED'].includes(answer.status) ? answer : undefined;
  });
  expect(payment).toBeDefined();
});

test('the topic is readable with avsc and the registry alone, and its headers are CloudEvents', async () => {
  const { id } = await placeOrder(stack.env);
  const record = await eventually(async () =>
    (await readTopic(stack.env, 'order-events')).find((each) => each.key?.toString() === id),
  );
  const { value, headers } = record;
  if (!value) throw new Error('the record has no value');

  expect(value[0]).toBe(0);
  const url = `${setting(stack.env, 'SCHEMA_REGISTRY_URL')}/schemas/ids/${value.readInt32BE(1)}`;
  // The registry says so once for each connection that it lost when the database was away.
  const schema = await eventually(
    async () => ((await (await fetch(url)).json()) as { schema?: string }).schema,
  );
  const type = avro.Type.forSchema(JSON.parse(schema));
  expect(type.name).toBe('walpost.orders.OrderCreated');
  expect(type.decode(value, 5)).toMatchObject({
    offset: value.length,
    value: { ...SAMPLE_ORDER, orderId: id, totalAmount: 2500 },
  });

  const texts = Object.fromEntries(Object.entries(headers ?? {}).map(([name, each]) => [name, String(each)]));
  expect(texts).toMatchObject({
    ce_specversion: '1.0',
    ce_id: expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
    ce_type: 'walpost.orders.OrderCreated',
    ce_source: '/walpost/order-service',
    ce_subject: id,
    // A timestamp of RFC 3339.
    ce_time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/),
    'content-type': 'application/avro',
    aggregateversion: '1',
    traceparent: expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/),
  });
});

test('a customer cancels an order before it is confirmed, and afterwards it is too late', async () => {
  await stack.stop('payment');
  const { id } = await placeOrder(stack.env);
  const cancelled = await call(stack.env, `/orders/${id}/cancel`, { method: 'POST' });
  expect(cancelled.status).toBe(200);
  await stack.start('payment');
  const again = await call(stack.env, `/orders/${id}/cancel`, { method: 'POST' });
  expect(again.status).toBe(409);
  expect(await again.json()).toMatchObject({ type: 'urn:walpost:problem:order-finished', status: 409 });
});
