import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { serve } from '../../../tests/stack/serve.js';
import { startCollector } from '../../../tests/stack/trace-collector.js';
import { createApp } from '../http.js';
import { createLogger } from '../logger.js';
import type { Received } from '../receive.js';
import { startTracing } from '../start-tracing.js';
import { activeTracing, withSpan } from '../trace.js';
import { traceBatch } from '../trace-batch.js';
import { traceparentOf } from '../trace-requests.js';
import { order } from './order-record.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const CALLER = `00-${TRACE}-00f067aa0ba902b7-01`;
const logger = createLogger('test', 'silent');
const PROTOCOL = { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' as const, OTEL_SDK_DISABLED: false };

let collector: Awaited<ReturnType<typeof startCollector>>;
let stop: (() => Promise<void>) | undefined;

beforeAll(async () => {
  collector = await startCollector();
  // The SDK reads its variables itself.
  process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] = collector.url;
});
beforeEach(async () => {
  collector.spans.length = 0;
  stop = await startTracing(
    'test-service',
    { ...PROTOCOL, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url },
    logger,
  );
});
afterAll(async () => {
  delete process.env['OTEL_EXPORTER_OTLP_ENDPOINT'];
  await collector.close();
  // What the SDK still tries on behalf of the collector that was away looks here for a logger, after Jest's clean-up.
  Reflect.deleteProperty(globalThis, Symbol.for('opentelemetry.js.api.1'));
});

/** What has been told, once all of it is handed on. */
async function told() {
  await stop?.();
  return collector.spans;
}

test('without an address, and when it is switched off, there is no tracing, and a trace is handed on as it came', async () => {
  await stop?.();
  expect(await startTracing('s', PROTOCOL, logger)).toBeUndefined();
  const off = { ...PROTOCOL, OTEL_SDK_DISABLED: true, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
  expect(await startTracing('s', off, logger)).toBeUndefined();
  expect(activeTracing()).toBeUndefined();
  expect(await withSpan('work', { kind: 'client', parent: CALLER }, async (each) => each)).toBe(CALLER);
  const batch = [order('a', 1)];
  expect(traceBatch('g', batch).batch).toBe(batch);
});

test('a request is a span of its caller’s trace, and what it hands on hangs below it', async () => {
  const app = await createApp({ title: 'Test', logger, readiness: {} });
  app.get('/things/:id', (request) =>
    withSpan('work', { kind: 'client', parent: traceparentOf(request) }, async (each) => ({ each })),
  );
  const ask = await serve(app);
  const { json } = await ask('/things/1', { headers: { traceparent: CALLER } });
  await ask('/health/live');
  await app.close();
  const [work, request, ...rest] = (await told()).toSorted((a, b) => b.name.localeCompare(a.name));
  expect(rest).toEqual([]);
  expect(request).toMatchObject({ service: 'test-service', name: 'GET /things/:id', traceId: TRACE });
  expect(request).toMatchObject({
    parentSpanId: '00f067aa0ba902b7',
    attributes: { 'http.route': '/things/:id', 'http.response.status_code': 200 },
  });
  expect(work).toMatchObject({ name: 'work', traceId: TRACE, parentSpanId: request?.spanId });
  expect(json.each).toBe(`00-${TRACE}-${work?.spanId}-01`);
});

test('what throws is a failed span, and a caller that does not sample is not told of', async () => {
  const fail = async () => {
    throw new Error('no');
  };
  await expect(withSpan('failing', { kind: 'client', parent: CALLER }, fail)).rejects.toThrow('no');
  const unsampled = CALLER.replace(/01$/, '00');
  const handed = await withSpan('quiet', { kind: 'client', parent: unsampled }, async (each) => each);
  expect(handed).toMatch(new RegExp(`^00-${TRACE}-[0-9a-f]{16}-00$`));
  const spans = await told();
  expect(spans.map(({ name, status }) => [name, status?.code])).toEqual([['failing', 2]]);
});

test('protobuf says the same', async () => {
  await stop?.();
  const protobuf = { ...PROTOCOL, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' as const };
  const address = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
  stop = await startTracing('test-service', { ...protobuf, ...address }, logger);
  await withSpan('work', { kind: 'client', parent: CALLER }, async () => 1);
  expect(await told()).toEqual([]);
  const body = Buffer.concat(collector.binaries);
  for (const part of [Buffer.from('test-service'), Buffer.from('work'), Buffer.from(TRACE, 'hex')])
    expect(body.includes(part)).toBe(true);
});

test('a collector that is away holds up neither the work nor the end', async () => {
  await stop?.();
  process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] = 'http://127.0.0.1:1';
  stop = await startTracing('s', { ...PROTOCOL, OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' }, logger);
  process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] = collector.url;
  expect(await withSpan('work', { kind: 'client', parent: CALLER }, async () => 1)).toBe(1);
  const begun = performance.now();
  await stop?.();
  expect(performance.now() - begun).toBeLessThan(4_000);
});

test('readers tell of the relay in the same words, and of what became of each event', async () => {
  const [first, duplicate, poison] = [
    withTrace(order('a', 1)),
    withTrace(order('b', 1)),
    withTrace(order('c', 1)),
  ];
  for (const group of ['one', 'two']) {
    const { batch, settle } = traceBatch(group, [first, duplicate, poison]);
    const events = batch.flatMap(({ result }) => ('event' in result ? [result.event] : []));
    expect(events.every(({ traceparent }) => traceparent?.startsWith(`00-${TRACE}-`))).toBe(true);
    const letter = { received: poison, state: 'dead' as const, error: new Error('bad'), attempts: 1 };
    settle({ handled: events.slice(0, 1), duplicates: 1, letters: [letter], oddities: [] });
  }
  const spans = await told();
  const relays = spans.filter(({ name }) => name === 'relay order-events');
  expect(relays).toHaveLength(4);
  expect(new Set(relays.map((each) => JSON.stringify(each))).size).toBe(2);
  expect(relays[0]).toMatchObject({
    service: 'order-outbox',
    parentSpanId: '00f067aa0ba902b7',
    startTimeUnixNano: '1749999999000000000',
    endTimeUnixNano: '1750000000000000000',
  });
  const processed = spans.filter(({ name }) => name === 'process order-events');
  expect(
    processed.map(({ attributes, status }) => [attributes['walpost.outcome'], status?.code ?? 0]),
  ).toEqual([
    ['handled', 0],
    ['dead', 2],
    ['handled', 0],
    ['dead', 2],
  ]);
  for (const { parentSpanId } of processed)
    expect(relays.map(({ spanId }) => spanId)).toContain(parentSpanId);
});

/** The record as an outbox's reader gets it, written a second before it arrived. */
function withTrace(record: Received): Received {
  if ('error' in record.result) throw record.result.error;
  return {
    ...record,
    result: { event: { ...record.result.event, traceparent: CALLER, writtenAt: 1_749_999_999_000 } },
  };
}
