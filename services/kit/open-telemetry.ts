import { DiagLogLevel, diag, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import {
  detectResources,
  envDetector,
  type Resource,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor, RandomIdGenerator } from '@opentelemetry/sdk-trace-base';
import type { Logger } from './logger.js';
import { pause } from './retry.js';
import type { RelaySpan, SpanOptions, Tracing } from './trace.js';

const KINDS = {
  server: { kind: SpanKind.SERVER },
  client: { kind: SpanKind.CLIENT },
  consumer: { kind: SpanKind.CONSUMER },
  internal: { kind: SpanKind.INTERNAL },
};

/** How long the last spans may take, ms: a collector that is away must not hold up a service's end. */
const LAST_EXPORT_WITHIN = 2_000;

/**
 * Makes spans and sends them by OTLP, where the standard variables OTEL_EXPORTER_OTLP_… say; the SDK reads those itself,
 * and OTEL_TRACES_SAMPLER, OTEL_BSP_… and OTEL_RESOURCE_ATTRIBUTES too. Only imported when tracing is on.
 *
 * @param protocol protobuf takes a third less time and bytes than JSON, which people can read
 */
export function createTracing(
  service: string,
  protocol: 'http/protobuf' | 'http/json',
  logger: Logger,
): Tracing {
  const warn = (message: string, ...rest: unknown[]) => logger.warn({ details: rest }, `tracing: ${message}`);
  const silent = () => undefined;
  diag.setLogger(
    { error: warn, warn, info: silent, debug: silent, verbose: silent },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
  const exporter = protocol === 'http/json' ? new JsonExporter() : new ProtobufExporter();
  const processor = new BatchSpanProcessor(exporter);
  const resource = resourceFromAttributes({ 'service.name': service }).merge(
    detectResources({ detectors: [envDetector] }),
  );
  const tracer = new BasicTracerProvider({ resource, spanProcessors: [processor] }).getTracer('walpost');
  const relayTracers = new Map<string, RelayTracer>();

  return {
    begin(name, { kind, parent, attributes }: SpanOptions) {
      const span = tracer.startSpan(name, KINDS[kind], contextOf(parent));
      const { traceId, spanId, traceFlags } = span.spanContext();
      return {
        traceparent: `00-${traceId}-${spanId}-${traceFlags === 1 ? '01' : '00'}`,
        end(more, error) {
          // Given at the start, the SDK would check and copy them three times.
          if (attributes) span.setAttributes(attributes);
          if (more) span.setAttributes(more);
          if (error !== undefined) {
            const message = error instanceof Error ? error.message : String(error);
            span.setStatus({ code: SpanStatusCode.ERROR, message });
          }
          span.end();
        },
      };
    },
    relayed(relay) {
      const relayer = relayTracers.get(relay.topic) ?? createRelayTracer(relay.topic, processor);
      relayTracers.set(relay.topic, relayer);
      relayer(relay);
    },
    relayParent: (eventId, parent) => `${parent.slice(0, 36)}${relaySpanId(eventId)}${parent.slice(52)}`,
    async close() {
      const late = new AbortController();
      const limit = pause(LAST_EXPORT_WITHIN, late.signal).then(() => {
        if (!late.signal.aborted)
          logger.warn('tracing: the collector does not answer, the last spans are lost');
      });
      await Promise.race([processor.shutdown(), limit]);
      late.abort();
    },
  };
}

type RelayTracer = (relay: RelaySpan) => void;

/**
 * The relay cannot make spans of its own, so the readers do it: each the same one, of the same id, which the backend
 * keeps once. It belongs to the connector.
 */
function createRelayTracer(topic: string, processor: BatchSpanProcessor): RelayTracer {
  const connector = topic.replace(/-events$/, '-outbox');
  const resource: Resource = resourceFromAttributes({ 'service.name': connector });
  let next = '';
  const random = new RandomIdGenerator();
  const idGenerator = { generateTraceId: () => random.generateTraceId(), generateSpanId: () => next };
  const tracer = new BasicTracerProvider({ resource, spanProcessors: [processor], idGenerator }).getTracer(
    'walpost',
  );
  return ({ eventId, parent, writtenAt, arrivedAt }) => {
    next = relaySpanId(eventId);
    const attributes = {
      'messaging.system': 'kafka',
      'messaging.operation.type': 'send',
      'messaging.destination.name': topic,
      'messaging.message.id': eventId,
    };
    const options = { kind: SpanKind.PRODUCER, startTime: writtenAt, attributes };
    // The clocks of writer and relay may differ.
    tracer.startSpan(`relay ${topic}`, options, contextOf(parent)).end(Math.max(writtenAt, arrivedAt));
  };
}

/** The last eight bytes of the event's UUID, which are random and never zero. */
function relaySpanId(eventId: string): string {
  return eventId.replaceAll('-', '').slice(16);
}

function contextOf(traceparent: string | undefined) {
  if (traceparent === undefined) return ROOT_CONTEXT;
  const [, traceId, spanId, flags] =
    /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(traceparent) ?? [];
  if (!traceId || !spanId || !flags) return ROOT_CONTEXT;
  const traceFlags = Number.parseInt(flags, 16) & 1;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true });
}
