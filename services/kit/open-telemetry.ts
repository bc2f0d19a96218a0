import {
  DiagLogLevel,
  diag,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  TraceFlags,
  trace,
} from '@opentelemetry/api';
import {
  detectResources,
  envDetector,
  type Resource,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  type Sampler,
  SamplingDecision,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-base';
import { messageOf } from './describe-error.js';
import { exportSpans } from './export-spans.js';
import type { Logger } from './logger.js';
import type { TracingSettings } from './start-tracing.js';
import { parseTraceparent, type RelaySpan, randomHex, type Tracing } from './trace.js';

const KINDS = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  consumer: SpanKind.CONSUMER,
  internal: SpanKind.INTERNAL,
};

/**
 * Makes spans and sends them by OTLP. Only imported when tracing is on.
 *
 * Samplers, resources and the way to the collector are the SDK's. Its tracer and its span processor are not used: with
 * them, tracing took more than a tenth of the intake (docs/decisions/0018-write-spans-as-they-end.md).
 */
export function createTracing(service: string, settings: TracingSettings, logger: Logger): Tracing {
  const warn = (message: string, ...rest: unknown[]) => logger.warn({ details: rest }, `tracing: ${message}`);
  const silent = () => undefined;
  diag.setLogger(
    { error: warn, warn, info: silent, debug: silent, verbose: silent },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
  const exported = exportSpans(
    {
      protocol: settings.OTEL_EXPORTER_OTLP_PROTOCOL,
      batchSize: settings.OTEL_BSP_MAX_EXPORT_BATCH_SIZE,
      delay: settings.OTEL_BSP_SCHEDULE_DELAY,
      queueSize: settings.OTEL_BSP_MAX_QUEUE_SIZE,
    },
    logger,
  );
  const own = resourceFromAttributes({ 'service.name': service }).merge(
    detectResources({ detectors: [envDetector] }),
  );
  const relays = new Map<string, Resource>();
  const sampler = createSampler(settings);

  return {
    begin(name, { kind, parent, attributes = {} }) {
      const caller = callerOf(parent);
      const traceId = caller?.traceId ?? randomHex(32);
      const spanId = randomHex(16);
      const isSampled = isTold(sampler, traceId, caller);
      const startedAt = Date.now();
      const begun = performance.now();
      return {
        traceparent: `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`,
        end(more, error) {
          if (!isSampled) return;
          exported.add({
            resource: own,
            name,
            kind: KINDS[kind],
            traceId,
            spanId,
            parentId: caller?.spanId,
            startedAt,
            endedAt: startedAt + performance.now() - begun,
            attributes,
            lateAttributes: more,
            error: error === undefined ? undefined : messageOf(error),
          });
        },
      };
    },
    relayed(relay) {
      const writer = callerOf(relay.parent);
      if (!writer || !isTold(sampler, writer.traceId, writer)) return;
      const connector = relay.topic.replace(/-events$/, '-outbox');
      const resource = relays.get(connector) ?? resourceFromAttributes({ 'service.name': connector });
      relays.set(connector, resource);
      exported.add({ ...relaySpan(relay), resource, traceId: writer.traceId, parentId: writer.spanId });
    },
    relayParent: (eventId, parent) => `${parent.slice(0, 36)}${relaySpanId(eventId)}${parent.slice(52)}`,
    close: () => exported.close(),
  };
}

/** The samplers that OTEL_TRACES_SAMPLER names; "parentbased" ones ask only about traces that begin here. */
function createSampler({
  OTEL_TRACES_SAMPLER: name,
  OTEL_TRACES_SAMPLER_ARG: share,
}: TracingSettings): Sampler {
  const root = name.endsWith('always_off')
    ? new AlwaysOffSampler()
    : name.endsWith('always_on')
      ? new AlwaysOnSampler()
      : new TraceIdRatioBasedSampler(share);
  return name.startsWith('parentbased') ? new ParentBasedSampler({ root }) : root;
}

/** The SDK's samplers decide by the id and the caller alone; they are asked for every span, so nothing is made for them. */
function isTold(sampler: Sampler, traceId: string, caller: SpanContext | undefined): boolean {
  const context = caller ? trace.setSpanContext(ROOT_CONTEXT, caller) : ROOT_CONTEXT;
  const { decision } = sampler.shouldSample(context, traceId, '', SpanKind.INTERNAL, NO_ATTRIBUTES, NO_LINKS);
  return decision === SamplingDecision.RECORD_AND_SAMPLED;
}

const NO_ATTRIBUTES = {};
const NO_LINKS: never[] = [];

/**
 * The relay cannot make spans of its own, so the readers do it: each the same one, of the same id, which the backend
 * keeps once. It belongs to the connector.
 */
function relaySpan({ topic, eventId, writtenAt, arrivedAt }: RelaySpan) {
  return {
    name: `relay ${topic}`,
    kind: SpanKind.PRODUCER,
    spanId: relaySpanId(eventId),
    startedAt: writtenAt,
    // The clocks of writer and relay may differ.
    endedAt: Math.max(writtenAt, arrivedAt),
    attributes: {
      'messaging.system': 'kafka',
      'messaging.operation.type': 'send',
      'messaging.destination.name': topic,
      'messaging.message.id': eventId,
    },
    lateAttributes: undefined,
    error: undefined,
  };
}

/** The last eight bytes of the event's UUID, which are random and never zero. */
function relaySpanId(eventId: string): string {
  return eventId.replaceAll('-', '').slice(16);
}

function callerOf(traceparent: string | undefined): SpanContext | undefined {
  const caller = parseTraceparent(traceparent);
  if (!caller) return undefined;
  const { traceId, spanId, isSampled } = caller;
  return { traceId, spanId, traceFlags: isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE, isRemote: true };
}
