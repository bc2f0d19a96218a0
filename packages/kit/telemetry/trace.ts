import { randomUUID } from 'node:crypto';
import {
  type Attributes,
  type Context,
  context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { messageOf } from './describe-error.ts';

const TRACEPARENT = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]([0-9a-f])$/;

/** The path of an event from its transaction to its topic. Times are ms since the epoch. */
export interface RelaySpan {
  topic: string;
  /** Of the span: eight bytes, hexadecimal. */
  spanId: string;
  eventId: string;
  /** `traceparent` of what wrote the event. */
  parent: string;
  writtenAt: number;
  arrivedAt: number;
}

/** What makes spans; there is none unless tracing is switched on. */
export interface Tracing {
  /** For spans of this service. */
  readonly tracer: Tracer;
  /** Makes the span of an event's way, which is the connector's; the same one whoever makes it. */
  relayed(relay: RelaySpan): void;
}

let tracing: Tracing | undefined;

/** Switches tracing on or off for this process. */
export function useTracing(made: Tracing | undefined): void {
  tracing = made;
}

/** @returns undefined while tracing is off: then spans cost nothing, not even their attributes */
export function activeTracing(): Tracing | undefined {
  return tracing;
}

/**
 * The `traceparent` (W3C Trace Context level 1) of what a cause gives rise to: that of the cause's span, so that a trace
 * goes through a service that makes no spans, or a new one.
 *
 * @param parent a received `traceparent`; anything malformed is ignored, as the specification asks
 */
export function childTraceparent(parent: string | undefined): string {
  if (parent !== undefined && TRACEPARENT.test(parent)) return parent;
  return `00-${randomHex()}-${randomHex().slice(16)}-01`;
}

/** @returns the trace's id, undefined when there is none */
export function traceIdOf(traceparent: string | null | undefined): string | undefined {
  return TRACEPARENT.exec(traceparent ?? '')?.[1];
}

/** @returns the `traceparent` for what a span gives rise to */
export function traceparentOfSpan(span: Span): string {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return `00-${traceId}-${spanId}-0${traceFlags & TraceFlags.SAMPLED}`;
}

/** @returns where spans hang below that of a `traceparent`; without one, or with one that is malformed, they begin a trace */
export function contextOf(traceparent: string | undefined): Context {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(traceparent ?? '') ?? [];
  if (!traceId || !spanId || !flags) return ROOT_CONTEXT;
  const traceFlags = Number.parseInt(flags, 16) & TraceFlags.SAMPLED;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true });
}

/** Marks a span as that of something that failed. */
export function failSpan(span: Span, error: unknown): void {
  span.setStatus({ code: SpanStatusCode.ERROR, message: messageOf(error) });
}

/** Does something where spans hang below that of a `traceparent`: those of a library that makes its own too. */
export function withinTrace<T>(traceparent: string | undefined, work: () => T): T {
  return tracing ? context.with(contextOf(traceparent), work) : work();
}

/**
 * Asks something of another process, a database for instance, within a span, when tracing is on.
 *
 * @param parent `traceparent` of the cause; a new trace begins without one
 * @param attributes named after OpenTelemetry's conventions where there are any
 * @param work is given the `traceparent` for what it causes
 */
export function withSpan<T>(
  name: string,
  { parent, attributes = {} }: { parent: string | undefined; attributes?: Attributes },
  work: (traceparent: string) => Promise<T>,
): Promise<T> {
  if (!tracing) return work(childTraceparent(parent));
  const options = { kind: SpanKind.CLIENT, attributes };
  return tracing.tracer.startActiveSpan(name, options, contextOf(parent), async (span) => {
    try {
      return await work(traceparentOfSpan(span));
    } catch (error) {
      failSpan(span, error);
      throw error;
    } finally {
      span.end();
    }
  });
}

/** 32 hexadecimal digits, never all zero, nor the last 16: a UUID, for which Node keeps random bytes in store. */
function randomHex(): string {
  return randomUUID().replaceAll('-', '');
}
