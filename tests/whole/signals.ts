import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { endOf, eventually, placeOrder, setting } from 'walpost/testing/support';
import type { CollectedSpan } from 'walpost/testing/trace-collector';
import { collector, stack } from './stack.ts';

/** The metrics of a service. */
async function scrape(service: string): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${setting(stack.env, `${service}_PORT`)}/metrics`);
  expect(response.status).toBe(200);
  return response.text();
}

/** A metric's value, by its name and some of its labels. */
function metricIn(text: string, name: string, ...labels: string[]): number | undefined {
  const line = text
    .split('\n')
    .find((each) => each.startsWith(`${name}{`) && labels.every((label) => each.includes(label)));
  return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(' ') + 1));
}

/** Waits until a metric has the value that is expected of it. */
async function metric(service: string, is: (value: number) => boolean, name: string, ...labels: string[]) {
  return eventually(async () => {
    const value = metricIn(await scrape(service), name, ...labels);
    return value !== undefined && is(value) ? value : undefined;
  });
}

/** The tree of one order that was confirmed; the answer that came second confirmed it. */
const TREE = (second: 'payment' | 'inventory') => [
  'order-service: POST /orders < nothing',
  'order-service: INSERT orders, outbox < order-service: POST /orders',
  'order-outbox: relay order-events < order-service: POST /orders',
  'payment-service: process order-events OrderCreated < order-outbox: relay order-events',
  'payment-service: authorize payment < payment-service: process order-events',
  'payment-outbox: relay payment-events < payment-service: process order-events',
  'order-service: process payment-events PaymentAuthorized < payment-outbox: relay payment-events',
  'inventory-service: process order-events OrderCreated < order-outbox: relay order-events',
  'inventory-outbox: relay inventory-events < inventory-service: process order-events',
  'order-service: process inventory-events StockReserved < inventory-outbox: relay inventory-events',
  `order-outbox: relay order-events < order-service: process ${second}-events`,
  'payment-service: process order-events OrderConfirmed < order-outbox: relay order-events',
  'inventory-service: process order-events OrderConfirmed < order-outbox: relay order-events',
  'notification-service: process order-events OrderCreated < order-outbox: relay order-events',
  'notification-service: process order-events OrderConfirmed < order-outbox: relay order-events',
  'notification-service: send e-mail < notification-service: process order-events',
  'notification-service: send e-mail < notification-service: process order-events',
];

/** The spans of an order's trace; those that several consumers report, which must say the same, once. */
function spansOf(orderId: string): Map<string, CollectedSpan> {
  const known = collector.spans.find(({ attributes }) => attributes['walpost.key'] === orderId);
  const spans = new Map<string, CollectedSpan>();
  for (const span of collector.spans) {
    if (span.traceId !== known?.traceId) continue;
    const before = spans.get(span.spanId);
    if (before) expect(span).toEqual(before);
    spans.set(span.spanId, span);
  }
  return spans;
}

test('one order is one trace: request, database, relay, every consumer, replies, gateway and e-mails', async () => {
  const { id } = await placeOrder(stack.env);
  expect((await endOf(stack.env, id)).status).toBe('CONFIRMED');
  const spans = await eventually(async () => {
    const found = spansOf(id);
    const lines = [...found.values()].map(({ service, name, parentSpanId, attributes }) => {
      const parent = found.get(parentSpanId ?? '');
      const type = attributes['walpost.event.type'];
      const cause = parent ? `${parent.service}: ${parent.name}` : (parentSpanId ?? 'nothing');
      return `${service}: ${name}${type ? ` ${type}` : ''} < ${cause}`;
    });
    const isPayment = lines.some((line) => line.endsWith('< order-service: process payment-events'));
    expect(lines.sort()).toEqual(TREE(isPayment ? 'payment' : 'inventory').sort());
    return found;
  });
  for (const { startTimeUnixNano, endTimeUnixNano, status } of spans.values()) {
    expect(BigInt(endTimeUnixNano) >= BigInt(startTimeUnixNano)).toBe(true);
    expect(status?.code ?? 0).toBe(0);
  }
});

test('every service reports what the order was to it, and the watcher of the relay', async () => {
  await metric('ORDER', (value) => value > 0, 'walpost_outbox_events_total', 'OrderCreated');
  await metric(
    'ORDER',
    (value) => value > 0,
    'http_server_request_duration_seconds_count',
    '/orders"',
    '201',
  );
  await metric('PAYMENT', (value) => value > 0, 'walpost_consumer_events_total', 'outcome="handled"');
  await metric('INVENTORY', (value) => value > 0, 'walpost_event_delivery_duration_seconds_count');
  await metric('NOTIFICATION', (value) => value === 0, 'walpost_work_waiting', 'work="emails"');
  await metric('ORDER', (value) => value === 1, 'walpost_slot_active', 'slot="order_outbox"');
  await metric(
    'ORDER',
    (value) => value === 0,
    'walpost_outbox_oldest_pending_seconds',
    'slot="order_outbox"',
  );
  await metric('WATCHER', (value) => value === 1, 'walpost_connector_task_state', 'order-outbox', 'RUNNING');
  await metric(
    'WATCHER',
    (value) => value === 0,
    'walpost_group_lag_seconds',
    'payment-service',
    'order-events',
  );
});

test('a consumer that is stopped shows as lag in messages and seconds', async () => {
  await stack.stop('notification');
  await placeOrder(stack.env);
  await metric('WATCHER', (value) => value === 0, 'walpost_group_members', 'notification-service');
  await eventually(async () => {
    const text = await scrape('WATCHER');
    const lagging = text
      .split('\n')
      .filter((line) => /^walpost_group_lag_seconds.*notification-service.* (?!0$)/.test(line));
    return lagging.length > 0 ? lagging : undefined;
  });
  await stack.start('notification');
});

/** Waits until the watcher's health has a status, and answers its body. */
async function watcherHealth(status: number): Promise<unknown> {
  return eventually(async () => {
    const response = await fetch(`http://127.0.0.1:${setting(stack.env, 'WATCHER_PORT')}/health/ready`);
    const body: unknown = await response.json();
    return response.status === status ? body : undefined;
  });
}

test('a relay that is away shows as a slot that nobody reads, a row that waits, a watcher that is not ready', async () => {
  expect(await watcherHealth(200)).toEqual({ status: 'ok' });
  await stack.stop('connect');
  expect(await watcherHealth(503)).toEqual({
    status: 'unavailable',
    problems: { 'Kafka Connect': expect.stringContaining('ECONNREFUSED') },
  });
  await placeOrder(stack.env);
  await metric('ORDER', (value) => value === 0, 'walpost_slot_active', 'slot="order_outbox"');
  await metric('ORDER', (value) => value > 3, 'walpost_outbox_oldest_pending_seconds', 'slot="order_outbox"');
  await metric('WATCHER', (value) => value === 0, 'walpost_source_up', 'Kafka Connect');
  await stack.start('connect');
  await metric('ORDER', (value) => value === 1, 'walpost_slot_active', 'slot="order_outbox"');
  expect(await watcherHealth(200)).toEqual({ status: 'ok' });
});

test('with its database away a service still answers the scrape', async () => {
  await stack.stop('postgres');
  await metric('ORDER', (value) => value === 0, 'walpost_source_up', 'database orders');
  await stack.start('postgres');
  await metric('ORDER', (value) => value === 1, 'walpost_source_up', 'database orders');
});

test('log lines are JSON', async () => {
  const log = await readFile(join(stack.dataDir, 'logs', 'order.log'), 'utf8');
  const lines = log.split('\n').filter((line) => line.startsWith('{'));
  expect(lines.length).toBeGreaterThan(0);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ name: 'order-service' });
});
