import { context, DiagLogLevel, diag, propagation, SpanKind, type Tracer, trace } from '@opentelemetry/api';
import { ExportResultCode } from '@opentelemetry/core';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  NodeTracerProvider,
  RandomIdGenerator,
  type SpanExporter,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-node';
import pTimeout from 'p-timeout';
import type { Logger } from './logger.ts';
import type { TracingSettings } from './start-tracing.ts';
import { contextOf, type RelaySpan, type Tracing } from './trace.ts';

/** The name of the instrumentation, in every span. */
const SCOPE = 'walpost';
/** How long the last spans may take, ms: a collector that is away must not hold up a service's end. */
const LAST_EXPORT_WITHIN = 2_000;

/**
 * Registers OpenTelemetry's SDK with its API, so that other instrumentation makes spans of the same traces. Only imported
 * when tracing is on; nothing else imports the SDK. It reads samplers, batches and exporters from the environment itself.
 */
export function registerSdk(
  service: string,
  settings: TracingSettings,
  logger: Logger,
  connectorOf: (topic: string) => string,
): Tracing & { close(): Promise<void> } {
  const warn = (message: string, ...rest: unknown[]) => logger.warn({ details: rest }, `tracing: ${message}`);
  const silent = () => undefined;
  diag.setLogger(
    { error: warn, warn, info: silent, debug: silent, verbose: silent },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
  const losses = reportLosses(
    settings.OTEL_EXPORTER_OTLP_PROTOCOL === 'http/json' ? new JsonExporter() : new ProtobufExporter(),
    logger,
  );
  const processor = new BatchSpanProcessor(losses.exporter);
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({ 'service.name': service }).merge(
      detectResources({ detectors: [envDetector] }),
    ),
    spanProcessors: [processor],
  });
  provider.register();

  return {
    tracer: provider.getTracer(SCOPE),
    relayed: relaySpans(processor, connectorOf),
    async close() {
      await pTimeout(provider.shutdown(), {
        milliseconds: LAST_EXPORT_WITHIN,
        fallback: () => logger.warn('tracing: the collector does not answer, the last spans are lost'),
      });
      losses.report();
      for (const api of [trace, context, propagation, diag]) api.disable();
    },
  };
}

/**
 * A collector that is away is reported once, and the number of spans that were lost when it is back, or at the end. The
 * SDK would report each batch, and count none: it is told that all of them were sent.
 */
function reportLosses(exporter: SpanExporter, logger: Logger): { exporter: SpanExporter; report(): void } {
  let lost = 0;
  const report = () => {
    if (lost > 0) logger.warn({ spans: lost }, 'tracing: so many spans were lost');
    lost = 0;
  };
  return {
    report,
    exporter: {
      export(spans, done) {
        exporter.export(spans, ({ code, error }) => {
          if (code === ExportResultCode.SUCCESS) {
            report();
          } else {
            if (lost === 0)
              logger.warn({ err: error }, 'tracing: the collector takes no spans, they are lost');
            lost += spans.length;
          }
          done({ code: ExportResultCode.SUCCESS });
        });
      },
      shutdown: () => exporter.shutdown(),
    },
  };
}

/**
 * The relay cannot make spans of its own, so the consumers do it: each the same one, of the same id, which the backend
 * keeps once. It belongs to the connector, which needs a provider for its name.
 */
function relaySpans(
  processor: SpanProcessor,
  connectorOf: (topic: string) => string,
): (relay: RelaySpan) => void {
  const ids = new ChosenSpanId();
  const tracers = new Map<string, Tracer>();
  return ({ topic, spanId, eventId, parent, writtenAt, arrivedAt }) => {
    const connector = connectorOf(topic);
    const resource = resourceFromAttributes({ 'service.name': connector });
    const tracer =
      tracers.get(connector) ??
      new BasicTracerProvider({ resource, spanProcessors: [processor], idGenerator: ids }).getTracer(SCOPE);
    tracers.set(connector, tracer);
    ids.chosen = spanId;
    const options = {
      kind: SpanKind.PRODUCER,
      startTime: writtenAt,
      attributes: {
        'messaging.system': 'kafka',
        'messaging.operation.type': 'send',
        'messaging.destination.name': topic,
        'messaging.message.id': eventId,
      },
    };
    // The clocks of writer and relay may differ.
    tracer.startSpan(`relay ${topic}`, options, contextOf(parent)).end(Math.max(writtenAt, arrivedAt));
  };
}

/** Gives the next span the id that its consumers know. */
class ChosenSpanId extends RandomIdGenerator {
  chosen = '';
  override generateSpanId = () => this.chosen;
}
