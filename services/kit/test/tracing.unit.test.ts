import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { serve } from '../../../tests/stack/serve.js';
import { startCollector } from '../../../tests/stack/trace-collector.js';
import { eventually } from '../../../tests/support.js';
import { readConfig } from '../config.js';
import { createApp } from '../http.js';
import { createLogger } from '../logger.js';
import type { Received } from '../receive.js';
import { startTracing, tracingSettings } from '../start-tracing.js';
import { activeTracing, withSpan } from '../trace.js';
import { traceBatch } from '../trace-batch.js';
import { traceparentOf } from '../trace-requests.js';
import { order } from './order-record.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const CALLER = `00-${TRACE}-00f067aa0ba902b7-01`;
const logger = createLogger('test', 'silent');

/** Tracing as these variables have it; JSON unless they say otherwise. */
const start = (variables: Record<string, string>, log = logger) =>
  startTracing(
    'test-service',
    readConfig(tracingSettings, { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json', ...variables }),
    log,
  );

let collector: Awaited<ReturnType<typeof startCollector>>;
let stop: (() => Promise<void>) | undefined;

beforeAll(async () => {
  collector = await startCollector();
  // The SDK reads its variables itself.
  process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] = collector.url;
});
beforeEach(async () => {
  collector.spans.length = 0;
  stop = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
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
  expect(await start({})).toBeUndefined();
  const off = { OTEL_SDK_DISABLED: 'true', OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
  expect(await start(off)).toBeUndefined();
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

test.each([
  ['always_on', '1', ['calls sampled', 'calls unsampled', 'begins']],
  ['always_off', '1', []],
  ['parentbased_always_on', '1', ['calls sampled', 'begins']],
  ['parentbased_always_off', '1', ['calls sampled']],
  ['parentbased_traceidratio', '0', ['calls sampled']],
  ['traceidratio', '1', ['calls sampled', 'calls unsampled', 'begins']],
  ['traceidratio', '0', []],
])('the sampler %s with %s tells of these', async (sampler, share, expected) => {
  await stop?.();
  stop = await start({
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_TRACES_SAMPLER: sampler,
    OTEL_TRACES_SAMPLER_ARG: share,
  });
  const causes = {
    'calls sampled': CALLER,
    'calls unsampled': CALLER.replace(/01$/, '00'),
    begins: undefined,
  };
  for (const [name, parent] of Object.entries(causes)) {
    const handed = await withSpan(name, { kind: 'client', parent }, async (each) => each);
    expect(handed.endsWith('-01')).toBe((expected as string[]).includes(name));
  }
  expect((await told()).map(({ name }) => name)).toEqual(expected);
});

test('a sampler that is none is refused at the start', () => {
  const wrong = { OTEL_TRACES_SAMPLER: 'jaeger_remote' };
  expect(() => readConfig(tracingSettings, wrong)).toThrow(/OTEL_TRACES_SAMPLER/);
});

test('protobuf is sent as protobuf, with what OTEL_RESOURCE_ATTRIBUTES says', async () => {
  await stop?.();
  process.env['OTEL_RESOURCE_ATTRIBUTES'] = 'deployment.environment.name=night';
  stop = await start({
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
  });
  delete process.env['OTEL_RESOURCE_ATTRIBUTES'];
  await withSpan('work', { kind: 'client', parent: CALLER }, async () => 1);
  expect(await told()).toEqual([]);
  const body = Buffer.concat(collector.binaries);
  for (const part of [
    'test-service',
    'deployment.environment.name',
    'night',
    'work',
    Buffer.from(TRACE, 'hex'),
  ])
    expect(body.includes(part)).toBe(true);
});

/** Spans that end at once. */
const endTogether = (...names: string[]) =>
  Promise.all(names.map((name) => withSpan(name, { kind: 'client', parent: CALLER }, async () => 1)));

test('spans are sent once there are so many, and the last ones at the end', async () => {
  await stop?.();
  stop = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '2' });
  await endTogether('a', 'b', 'c', 'd', 'e');
  await eventually(async () => (collector.spans.length === 5 ? true : undefined));
  await endTogether('f');
  expect((await told()).map(({ name }) => name)).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
});

test('a batch that is larger than the queue is as large as the queue', async () => {
  await stop?.();
  stop = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_BSP_MAX_QUEUE_SIZE: '2' });
  await endTogether('a', 'b');
  await eventually(async () => (collector.spans.length === 2 ? true : undefined));
});

test('spans are sent after a while, however few', async () => {
  await stop?.();
  stop = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_BSP_SCHEDULE_DELAY: '20' });
  await endTogether('a');
  await eventually(async () => (collector.spans.length === 1 ? true : undefined));
});

test('how many spans are lost is said: when more come than can wait, and when the collector refuses them', async () => {
  await stop?.();
  const lines: { msg: string; spans?: number }[] = [];
  const log = createLogger('test', 'warn', { write: (line) => lines.push(JSON.parse(line)) });
  const small = { OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '1', OTEL_BSP_MAX_QUEUE_SIZE: '2' };
  stop = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, ...small }, log);
  await endTogether('a', 'b', 'c', 'd', 'e', 'f');
  expect((await told()).map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  await eventually(async () => (lines.length > 0 ? true : undefined));
  expect(lines).toMatchObject([{ spans: 3, msg: expect.stringContaining('spans are lost') }]);

  lines.length = 0;
  process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] = `${collector.url}/elsewhere`;
  stop = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}/elsewhere`, ...small }, log);
  process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] = collector.url;
  await endTogether('a');
  await eventually(async () => (lines.length > 0 ? true : undefined));
  expect(lines).toMatchObject([{ spans: 1, msg: expect.stringContaining('spans are lost') }]);
});

test('a collector that is away holds up neither the work nor the end', async () => {
  await stop?.();
  process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] = 'http://127.0.0.1:1';
  stop = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' });
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
