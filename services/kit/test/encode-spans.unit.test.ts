import { expect, test } from '@jest/globals';
import { SpanKind } from '@opentelemetry/api';
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { type EndedSpan, protobufEncoder, toReadableSpan } from '../encode-spans.js';

const service = resourceFromAttributes({ 'service.name': 'order-service', 'host.name': 'zürich' });
const connector = resourceFromAttributes({ 'service.name': 'order-outbox' });

const plain: EndedSpan = {
  resource: service,
  name: 'POST /orders',
  kind: SpanKind.SERVER,
  traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
  spanId: '00f067aa0ba902b7',
  parentId: undefined,
  startedAt: 1_764_230_400_123,
  endedAt: 1_764_230_400_124.5625,
  attributes: { 'http.route': '/orders' },
  lateAttributes: undefined,
  error: undefined,
};

/** What the SDK makes of the same spans is right by definition. */
function expectSameBytes(spans: EndedSpan[]) {
  const encoder = protobufEncoder();
  for (const span of spans) encoder.add(span);
  const ours = Buffer.from(encoder.take());
  const theirs = Buffer.from(ProtobufTraceSerializer.serializeRequest(spans.map(toReadableSpan)) ?? []);
  expect(ours.toString('hex')).toBe(theirs.toString('hex'));
}

test.each<[string, Partial<EndedSpan>]>([
  ['a span without a parent', {}],
  ['one with a parent', { parentId: 'b7ad6b7169203331' }],
  ['a failed one', { error: 'connection refused' }],
  ['one that failed without a word', { error: '' }],
  ['letters beyond ASCII', { name: 'größer 🚀', attributes: { straße: 'Łódź', 鍵: '値' } }],
  ['no attributes', { attributes: {} }],
  ['attributes known when it ended', { lateAttributes: { 'http.response.status_code': 201 } }],
  [
    'numbers of every size',
    {
      attributes: {
        zero: 0,
        byte: 127,
        two: 128,
        int: 2 ** 31 - 1,
        beyond: 2 ** 31,
        long: 2 ** 53 - 1,
        negative: -1,
        lowest: -(2 ** 53 - 1),
        fraction: 0.1,
        infinite: Number.POSITIVE_INFINITY,
      },
    },
  ],
  [
    'texts whose lengths take one, two and three bytes',
    { attributes: { a: 'x'.repeat(120), b: 'x'.repeat(130), c: 'x'.repeat(20_000) } },
  ],
  ['a text longer than the buffer', { name: 'é'.repeat(100_000) }],
  ['the last nanosecond of a ms', { startedAt: 1_764_230_400_124 - 2 ** -12 }],
  ['the epoch', { startedAt: 0, endedAt: 0 }],
  ['after 2106', { startedAt: 2 ** 32 * 1_000 + 1, endedAt: 2 ** 33 * 1_000 }],
])('%s is written as the SDK writes it', (_, parts) => {
  expectSameBytes([{ ...plain, ...parts }]);
});

test.each(Object.values(SpanKind).filter((kind) => typeof kind === 'number'))(
  'kind %d is written as the SDK writes it',
  (kind) => {
    expectSameBytes([{ ...plain, kind }]);
  },
);

test('spans of two resources go into one request', () => {
  const relay = { ...plain, resource: connector, name: 'relay order-events' };
  expectSameBytes([plain, relay, { ...plain, spanId: 'b7ad6b7169203331' }, relay]);
  expectSameBytes(Array.from({ length: 2_000 }, (_, at) => ({ ...plain, endedAt: plain.endedAt + at / 16 })));
});

test('what was taken is not taken again, and stays as it was', () => {
  const encoder = protobufEncoder();
  encoder.add(plain);
  const first = encoder.take();
  const copy = Buffer.from(first);
  encoder.add({ ...plain, name: 'another' });
  const second = Buffer.from(encoder.take());
  expect(second.includes('another')).toBe(true);
  expect(second.includes('POST /orders')).toBe(false);
  expect(copy.equals(first)).toBe(true);
  expect(encoder.take()).toHaveLength(0);
});
