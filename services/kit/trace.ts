import { randomBytes } from 'node:crypto';

const TRACEPARENT = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]([0-9a-f])$/;

/** What a span says about itself; names follow OpenTelemetry's conventions where there are any. */
export type SpanAttributes = Record<string, string | number>;

export interface SpanOptions {
  kind: 'server' | 'client' | 'consumer' | 'internal';
  /** `traceparent` of the cause; a new trace begins without one. */
  parent: string | undefined;
  attributes?: SpanAttributes;
}

/** A span under way. One that is never ended is never told of. */
export interface OpenSpan {
  readonly traceparent: string;
  /** @param error marks the span as failed */
  end(attributes?: SpanAttributes, error?: unknown): void;
}

/** The way of an event from its transaction to its topic. Times are ms since the epoch. */
export interface RelaySpan {
  topic: string;
  eventId: string;
  parent: string;
  writtenAt: number;
  arrivedAt: number;
}

/** What makes spans; there is none unless tracing is switched on. */
export interface Tracing {
  begin(name: string, options: SpanOptions): OpenSpan;
  /** Tells of an event's way, in the same words whoever tells. */
  relayed(relay: RelaySpan): void;
  /** The `traceparent` of that span, known before it is told of. */
  relayParent(eventId: string, parent: string): string;
  /** Hands on what is left, and ends. */
  close(): Promise<void>;
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
  return `00-${randomHex(32)}-${randomHex(16)}-01`;
}

/** @returns undefined when there is none, or it is malformed */
export function parseTraceparent(
  traceparent: string | undefined,
): { traceId: string; spanId: string; isSampled: boolean } | undefined {
  if (traceparent === undefined) return undefined;
  const [, traceId, spanId, flags] = TRACEPARENT.exec(traceparent) ?? [];
  if (!traceId || !spanId || !flags) return undefined;
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** @returns the trace's id, undefined when there is none */
export function traceIdOf(traceparent: string | null | undefined): string | undefined {
  return TRACEPARENT.exec(traceparent ?? '')?.[1];
}

/**
 * Does something within a span, when tracing is on.
 *
 * @param work is given the `traceparent` for what it causes
 */
export function withSpan<T>(
  name: string,
  options: SpanOptions,
  work: (traceparent: string) => Promise<T>,
): Promise<T> {
  const span = tracing?.begin(name, options);
  return span ? within(span, work) : work(childTraceparent(options.parent));
}

async function within<T>(span: OpenSpan, work: (traceparent: string) => Promise<T>): Promise<T> {
  try {
    const result = await work(span.traceparent);
    span.end();
    return result;
  } catch (error) {
    span.end({}, error);
    throw error;
  }
}

/** So many random bytes are asked of the system at once; for each id alone that costs more than the rest of a span. */
const STORE = 4_096;
let store = '';
let used = 0;

/** @returns so many random hexadecimal digits */
export function randomHex(digits: number): string {
  if (used + digits > store.length) {
    store = randomBytes(STORE).toString('hex');
    used = 0;
  }
  used += digits;
  return store.slice(used - digits, used);
}
