import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { serve } from 'walpost/testing/serve';
import { eventually } from 'walpost/testing/support';
import { type Collector, startCollector } from 'walpost/testing/trace-collector';
import { handle } from '../../consumer/handle-batch.ts';
import type { Received } from '../../consumer/receive.ts';
import { order } from '../../consumer/test/order-record.ts';
import { traceBatch } from '../../consumer/trace-batch.ts';
import { readConfig } from '../../environment.ts';
import { createApp } from '../../http/http.ts';
import { traceparentOf } from '../../http/trace-requests.ts';
import type { Tx } from '../../postgres/database.ts';
import { createLogger } from '../logger.ts';
import { startTracing, tracingSettings } from '../start-tracing.ts';
import { activeTracing, withSpan } from '../trace.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const CALLER = `00-${TRACE}-00f067aa0ba902b7-01`;
const logger = createLogger('test', 'silent');

let collector: Collector;
let stop: (() => Promise<void>) | undefined;

async function end() {
  const ending = stop;
  stop = undefined;
  await ending?.();
}

/** Tracing as these variables have it, to the collector and by JSON unless they say otherwise. */
async function start(variables: Record<string, string> = {}, log = logger) {
  await end();
  const given = {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    ...variables,
  };
  // The SDK reads its variables itself.
  Object.assign(process.env, given);
  stop = await startTracing(
    'test-service',
    readConfig(tracingSettings, given),
    log,
    (topic) => `relay of ${topic}`,
  );
  for (const name of Object.keys(given)) delete process.env[name];
  return stop;
}

/** A logger, and the lines that it has written. */
function listen() {
  const lines: { msg: string; spans?: number }[] = [];
  return { lines, log: createLogger('test', 'warn', { write: (line) => lines.push(JSON.parse(line)) }) };
}

beforeAll(async () => {
  collector = await startCollector();
});
beforeEach(async () => {
  collector.mode = 'takes';
  await start();
  collector.spans.length = 0;
});
afterAll(async () => {
  await collector.close();
  // What the SDK still tries on behalf of a collector that was away looks here for a logger, after Jest's clean-up.
  Reflect.deleteProperty(globalThis, Symbol.for('opentelemetry.js.api.1'));
});

/** What has been exported, once all of it is handed on. */
async function exported() {
  await end();
  return collector.spans;
}

test('without an address, and when it is switched off, there is no tracing, and a trace is handed on as it came', async () => {
  expect(await start({ OTEL_EXPORTER_OTLP_ENDPOINT: '' })).toBeUndefined();
  expect(await start({ OTEL_SDK_DISABLED: 'true' })).toBeUndefined();
  expect(activeTracing()).toBeUndefined();
  expect(await withSpan('work', { parent: CALLER }, async (each) => each)).toBe(CALLER);
  const batch = [order('a', 1)];
  expect(traceBatch('g', batch).batch).toBe(batch);
});

test.each([
  ['', false],
  ['http://127.0.0.1:1', true],
])('with the address %j the SDK is loaded: %s', (endpoint, expected) => {
  const program = join(import.meta.dirname, '../../../../dist/test/tracing-service.js');
  const printed = execFileSync(process.execPath, [program, endpoint]);
  expect(`${printed}`).toBe(`${expected}\n`);
});

test('a request is a span of its caller’s trace, and what it hands on hangs below it', async () => {
  const app = await createApp({ title: 'Test', logger, readiness: {} });
  app.get('/things/:id', (request) =>
    withSpan('work', { parent: traceparentOf(request) }, async (each) => ({ each })),
  );
  const ask = await serve(app);
  const { json } = await ask('/things/1', { headers: { traceparent: CALLER } });
  await ask('/health/live');
  await app.close();
  const [work, request, ...rest] = (await exported()).toSorted((a, b) => b.name.localeCompare(a.name));
  expect(rest).toEqual([]);
  expect(request).toMatchObject({ service: 'test-service', name: 'GET /things/:id', traceId: TRACE });
  expect(request).toMatchObject({
    parentSpanId: '00f067aa0ba902b7',
    attributes: { 'http.route': '/things/:id', 'http.response.status_code': 200 },
  });
  expect(work).toMatchObject({ name: 'work', traceId: TRACE, parentSpanId: request?.spanId });
  expect(json.each).toBe(`00-${TRACE}-${work?.spanId}-01`);
});

test('what throws is a failed span, and a caller that does not sample is not exported', async () => {
  const fail = async () => {
    throw new Error('no');
  };
  await expect(withSpan('failing', { parent: CALLER }, fail)).rejects.toThrow('no');
  const unsampled = CALLER.replace(/01$/, '00');
  const handed = await withSpan('quiet', { parent: unsampled }, async (each) => each);
  expect(handed).toMatch(new RegExp(`^00-${TRACE}-[0-9a-f]{16}-00$`));
  const spans = await exported();
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
])('the sampler %s with %s exports these', async (sampler, share, expected) => {
  await start({ OTEL_TRACES_SAMPLER: sampler, OTEL_TRACES_SAMPLER_ARG: share });
  const causes = {
    'calls sampled': CALLER,
    'calls unsampled': CALLER.replace(/01$/, '00'),
    begins: undefined,
  };
  for (const [name, parent] of Object.entries(causes)) {
    const handed = await withSpan(name, { parent }, async (each) => each);
    expect(handed.endsWith('-01')).toBe((expected as string[]).includes(name));
  }
  expect((await exported()).map(({ name }) => name)).toEqual(expected);
});

test.each([
  ['OTEL_EXPORTER_OTLP_ENDPOINT', 'localhost:4318'],
  ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'collector'],
  ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc'],
  ['OTEL_SDK_DISABLED', 'maybe'],
  ['OTEL_TRACES_SAMPLER', 'jaeger_remote'],
  ['OTEL_TRACES_SAMPLER_ARG', '2'],
  ['OTEL_BSP_SCHEDULE_DELAY', 'soon'],
  ['OTEL_BSP_MAX_EXPORT_BATCH_SIZE', '0'],
  ['OTEL_BSP_MAX_QUEUE_SIZE', '1.5'],
])('%s=%s is refused at the start', (name, value) => {
  expect(() => readConfig(tracingSettings, { [name]: value })).toThrow(
    new RegExp(`^Configuration: ${name}(?: must|:) .*\\.env\\.example\\.$`),
  );
});

test('protobuf is sent as protobuf, with the attributes and headers that variables say', async () => {
  await start({
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
    OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=shop',
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=night',
  });
  await withSpan('work', { parent: CALLER }, async () => 1);
  expect(await exported()).toEqual([]);
  const body = Buffer.concat(collector.binaries);
  for (const part of [
    'test-service',
    'deployment.environment.name',
    'night',
    'work',
    Buffer.from(TRACE, 'hex'),
  ])
    expect(body.includes(part)).toBe(true);
  expect(collector.headers.at(-1)).toMatchObject({ 'x-tenant': 'shop' });
});

test('the name of the service is the one that OTEL_SERVICE_NAME says', async () => {
  await start({ OTEL_SERVICE_NAME: 'another' });
  await endTogether('work');
  expect(await exported()).toMatchObject([{ service: 'another' }]);
});

/** Spans that end at once. */
const endTogether = (...names: string[]) =>
  Promise.all(names.map((name) => withSpan(name, { parent: CALLER }, async () => 1)));

test('spans are sent once there are so many, and the last ones at the end', async () => {
  await start({ OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '2' });
  await endTogether('a', 'b', 'c', 'd', 'e');
  await eventually(async () => (collector.spans.length === 4 ? true : undefined));
  expect((await exported()).map(({ name }) => name)).toEqual(['a', 'b', 'c', 'd', 'e']);
});

test('a batch that is larger than the queue is as large as the queue', async () => {
  await start({ OTEL_BSP_MAX_QUEUE_SIZE: '2' });
  await endTogether('a', 'b');
  await eventually(async () => (collector.spans.length === 2 ? true : undefined));
});

test('spans are sent after a while, however few', async () => {
  await start({ OTEL_BSP_SCHEDULE_DELAY: '20' });
  await endTogether('a');
  await eventually(async () => (collector.spans.length === 1 ? true : undefined));
});

test('how many spans are lost because more come than can wait is said', async () => {
  const { lines, log } = listen();
  await start({ OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '1', OTEL_BSP_MAX_QUEUE_SIZE: '2' }, log);
  await endTogether('a', 'b', 'c', 'd', 'e', 'f');
  await eventually(async () => (collector.spans.length === 3 ? true : undefined));
  await endTogether('g');
  expect((await exported()).map(({ name }) => name)).toEqual(['a', 'b', 'c', 'g']);
  expect(lines.map(({ msg }) => msg)).toEqual([expect.stringContaining('Dropped 3 spans')]);
});

test('a collector that takes no spans is reported once, and how many it cost when it is back or at the end', async () => {
  const { lines, log } = listen();
  await start({ OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '1' }, log);
  const refused = async (name: string) => {
    const { length } = collector.headers;
    await endTogether(name);
    await eventually(async () => (collector.headers.length > length ? true : undefined));
  };
  collector.mode = 'refuses';
  await refused('a');
  await refused('b');
  collector.mode = 'takes';
  await endTogether('c');
  await eventually(async () => (lines.length === 2 ? true : undefined));
  collector.mode = 'refuses';
  await refused('d');
  expect((await exported()).map(({ name }) => name)).toEqual(['c']);
  const away = { msg: expect.stringContaining('the collector takes no spans') };
  // The second time is one of the repeats that the logger counts.
  expect(lines).toMatchObject([away, { spans: 2 }, { spans: 1 }]);
});

test.each(['is away', 'is silent'])(
  'a collector that %s holds up neither the work nor the end',
  async (how) => {
    const { lines, log } = listen();
    collector.mode = 'is silent';
    await start(how === 'is away' ? { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' } : {}, log);
    expect(await withSpan('work', { parent: CALLER }, async () => 1)).toBe(1);
    const begun = performance.now();
    await end();
    expect(performance.now() - begun).toBeLessThan(4_000);
    expect(lines).toMatchObject([{ msg: expect.stringContaining('the collector does not answer') }]);
  },
);

test('a collector that is silent is waited for as long as OTEL_EXPORTER_OTLP_TIMEOUT says', async () => {
  const { lines, log } = listen();
  collector.mode = 'is silent';
  await start({ OTEL_EXPORTER_OTLP_TIMEOUT: '50', OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '1' }, log);
  await endTogether('a');
  await eventually(async () => (lines.length === 1 ? true : undefined));
  expect(lines).toMatchObject([{ msg: expect.stringContaining('the collector takes no spans') }]);
});

test('a library that makes spans of its own has them below the request, the event and our spans', async () => {
  const instrumentation = new UndiciInstrumentation({ ignoreRequestHook: ({ path }) => path === '/things' });
  const app = await createApp({ title: 'Test', logger, readiness: {} });
  const callOut = async () => void (await ask('/health/live'));
  app.post('/things', callOut);
  const ask = await serve(app);
  await ask('/things', { method: 'POST', headers: { traceparent: CALLER }, body: { a: 1 } });
  const { batch } = traceBatch('g', [withTrace(order('a', 1)), withTrace(order('b', 1))]);
  const events = batch.flatMap(({ result }) => ('event' in result ? [result.event] : []));
  await handle({} as Tx, { OrderCreated: callOut }, events, events);
  await withSpan('work', { parent: CALLER }, callOut);
  instrumentation.disable();
  await app.close();

  const spans = await exported();
  const idOf = (name: string) => spans.find((span) => span.name === name)?.spanId;
  const calls = spans.filter(({ name }) => name === 'GET');
  expect(calls.map(({ traceId, parentSpanId }) => [traceId, parentSpanId])).toEqual([
    [TRACE, idOf('POST /things')],
    [TRACE, events[0]?.traceparent?.split('-')[2]],
    [TRACE, idOf('work')],
  ]);
});

test('consumers report the relay in the same words, and of what became of each event', async () => {
  const [first, duplicate, poison] = [
    withTrace(order('a', 1)),
    withTrace(order('b', 1)),
    withTrace(order('c', 1)),
  ];
  for (const group of ['one', 'two']) {
    const { batch, recordOutcome } = traceBatch(group, [first, duplicate, poison]);
    const events = batch.flatMap(({ result }) => ('event' in result ? [result.event] : []));
    expect(events.every(({ traceparent }) => traceparent?.startsWith(`00-${TRACE}-`))).toBe(true);
    const deadLetter = { received: poison, state: 'dead' as const, error: new Error('bad'), attempts: 1 };
    recordOutcome({ handled: events.slice(0, 1), duplicates: 1, deadLetters: [deadLetter], anomalies: [] });
  }
  const spans = await exported();
  const relays = spans.filter(({ name }) => name === 'relay order-events');
  expect(relays).toHaveLength(4);
  expect(new Set(relays.map((each) => JSON.stringify(each))).size).toBe(2);
  expect(relays[0]).toMatchObject({
    service: 'relay of order-events',
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

/** The record as an outbox's consumer gets it, written a second before it arrived. */
function withTrace(record: Received): Received {
  if ('error' in record.result) throw record.result.error;
  return {
    ...record,
    result: { event: { ...record.result.event, traceparent: CALLER, writtenAt: 1_749_999_999_000 } },
  };
}
