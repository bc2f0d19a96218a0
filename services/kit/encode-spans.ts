import { type Attributes, type SpanKind, SpanStatusCode, TraceFlags } from '@opentelemetry/api';
import { millisToHrTime } from '@opentelemetry/core';
import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer';
import type { Resource } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { ProtobufWriter } from './protobuf-writer.js';
import type { SpanAttributes } from './trace.js';

/** The name of the instrumentation, in every span. */
const SCOPE = { name: 'walpost' };

/** A span that has ended, of a trace that is told of. Times are ms since the epoch, with fractions. */
export interface EndedSpan {
  /** Whose it is. */
  resource: Resource;
  name: string;
  kind: SpanKind;
  traceId: string;
  spanId: string;
  /** The span that caused it; undefined when the trace begins with this one. */
  parentId: string | undefined;
  startedAt: number;
  endedAt: number;
  attributes: SpanAttributes;
  /** What was known only when it ended, under other names: putting them together costs as much as making the span. */
  lateAttributes: SpanAttributes | undefined;
  /** Why it failed. */
  error: string | undefined;
}

/** Collects spans in the form in which they are sent: OTLP's ExportTraceServiceRequest. */
export interface SpanEncoder {
  add(span: EndedSpan): void;
  /** @returns all that were added since the last call */
  take(): Uint8Array;
}

/** JSON, by the SDK, which wants to keep every span until they are sent. */
export function jsonEncoder(): SpanEncoder {
  let spans: ReadableSpan[] = [];
  return {
    add: (span) => spans.push(toReadableSpan(span)),
    take() {
      const taken = JsonTraceSerializer.serializeRequest(spans);
      spans = [];
      return taken ?? new Uint8Array();
    },
  };
}

/** What the SDK's own serializers and exporters take. */
export function toReadableSpan(span: EndedSpan): ReadableSpan {
  const { name, kind, resource, traceId, spanId, parentId, error } = span;
  const context = { traceId, traceFlags: TraceFlags.SAMPLED };
  const parent =
    parentId === undefined ? {} : { parentSpanContext: { ...context, spanId: parentId, isRemote: true } };
  const startTime = millisToHrTime(span.startedAt);
  return {
    name,
    kind,
    resource,
    attributes: { ...span.attributes, ...span.lateAttributes },
    ...parent,
    spanContext: () => ({ ...context, spanId }),
    startTime,
    endTime: millisToHrTime(span.endedAt),
    duration: millisToHrTime(span.endedAt - span.startedAt),
    status:
      error === undefined ? { code: SpanStatusCode.UNSET } : { code: SpanStatusCode.ERROR, message: error },
    ended: true,
    instrumentationScope: SCOPE,
    links: [],
    events: [],
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

/**
 * Protobuf: the bytes that the SDK's serializer makes of the same spans, but each span is written as it ends. To keep spans
 * for that serializer costs twice as much, on the thread that answers requests (docs/performance.md).
 *
 * Source: opentelemetry-proto, opentelemetry/proto/trace/v1/trace.proto and common/v1/common.proto.
 */
export function protobufEncoder(): SpanEncoder {
  const request = new ProtobufWriter();
  const spansOf = new Map<Resource, ProtobufWriter>();
  return {
    add(span) {
      const writer = spansOf.get(span.resource) ?? new ProtobufWriter();
      spansOf.set(span.resource, writer);
      writeSpan(writer, span);
    },
    take() {
      for (const [resource, spans] of spansOf)
        if (spans.length > 0) writeResource(request, resource, spans.take());
      return request.take();
    },
  };
}

/** Tags, in hexadecimal: the field's number times eight, plus 0 varint, 1 eight bytes, 2 length and bytes, 5 four bytes. */
function writeResource(writer: ProtobufWriter, resource: Resource, spans: Uint8Array): void {
  const resourceSpans = writer.open(0x0a, 3);
  const described = writer.open(0x0a, 1);
  writeAttributes(writer, 0x0a, resource.attributes);
  writer.integer(0x10, 0);
  writer.close(described, 1);
  const scopeSpans = writer.open(0x12, 3);
  const scope = writer.open(0x0a, 1);
  writer.text(0x0a, SCOPE.name);
  writer.close(scope, 1);
  writer.raw(spans);
  writer.close(scopeSpans, 3);
  writer.close(resourceSpans, 3);
}

function writeSpan(writer: ProtobufWriter, span: EndedSpan): void {
  const { parentId, error } = span;
  const start = writer.open(0x12, 2);
  writer.hex(0x0a, span.traceId);
  writer.hex(0x12, span.spanId);
  if (parentId !== undefined) writer.hex(0x22, parentId);
  writer.text(0x2a, span.name);
  // The API counts kinds from 0, the message from 1.
  writer.integer(0x30, span.kind + 1);
  writeTime(writer, 0x39, span.startedAt);
  writeTime(writer, 0x41, span.endedAt);
  writeAttributes(writer, 0x4a, span.attributes);
  if (span.lateAttributes) writeAttributes(writer, 0x4a, span.lateAttributes);
  writer.raw(NOTHING_DROPPED);
  const status = writer.open(0x7a, 1);
  if (error) writer.text(0x12, error);
  writer.integer(0x18, error === undefined ? SpanStatusCode.UNSET : SpanStatusCode.ERROR);
  writer.close(status, 1);
  writer.raw(parentId === undefined ? FLAGS : FLAGS_BELOW_REMOTE);
  writer.close(start, 2);
}

/** Of attributes, events and links: fields 10, 12 and 14. */
const NOTHING_DROPPED = Uint8Array.of(0x50, 0, 0x60, 0, 0x70, 0);
/** Field 16: sampled, and whether the parent is of another process is known. */
const FLAGS = Uint8Array.of(0x85, 0x01, TraceFlags.SAMPLED, 0x01, 0, 0);
/** … and it is: only its `traceparent` is at hand. */
const FLAGS_BELOW_REMOTE = Uint8Array.of(0x85, 0x01, TraceFlags.SAMPLED, 0x03, 0, 0);

function writeAttributes(writer: ProtobufWriter, tag: number, attributes: Attributes): void {
  for (const key in attributes) {
    const value = attributes[key];
    const attribute = writer.open(tag, 1);
    writer.text(0x0a, key);
    const any = writer.open(0x12, 1);
    if (typeof value !== 'number') writer.text(0x0a, String(value));
    else if (Number.isSafeInteger(value)) writer.integer(0x18, value);
    else writer.double(0x21, value);
    writer.close(any, 1);
    writer.close(attribute, 1);
  }
}

/** Nanoseconds since the epoch need 61 bits, more than a number has: ms above and below their sixteenth bit, times a million. */
function writeTime(writer: ProtobufWriter, tag: number, ms: number): void {
  const whole = Math.floor(ms);
  const upper = Math.floor(whole / 0x10000) * 1_000_000;
  const lower = (whole % 0x10000) * 1_000_000 + Math.round((ms - whole) * 1_000_000);
  const rest = (upper % 0x10000) * 0x10000 + lower;
  writer.fixed64(tag, Math.floor(upper / 0x10000) + Math.floor(rest / 0x100000000), rest >>> 0);
}
