import { OTLPExporterBase } from '@opentelemetry/otlp-exporter-base';
import {
  convertLegacyHttpOptions,
  createOtlpHttpExportDelegate,
} from '@opentelemetry/otlp-exporter-base/node-http';
import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { type EndedSpan, jsonEncoder, protobufEncoder } from './encode-spans.js';
import type { Logger } from './logger.js';
import { pause } from './retry.js';

/** How long the last spans may take, ms: a collector that is away must not hold up a service's end. */
const LAST_EXPORT_WITHIN = 2_000;

const PROTOCOLS = {
  'http/protobuf': {
    type: 'application/x-protobuf',
    encoder: protobufEncoder,
    serializer: ProtobufTraceSerializer,
  },
  'http/json': { type: 'application/json', encoder: jsonEncoder, serializer: JsonTraceSerializer },
};

export interface SpanExportOptions {
  protocol: keyof typeof PROTOCOLS;
  /** Spans are sent when there are so many of them, … */
  batchSize: number;
  /** … or after so long, ms. */
  delay: number;
  /** So many wait while others are sent; more are lost. */
  queueSize: number;
}

export interface SpanExport {
  add(span: EndedSpan): void;
  /** Sends what is left, for at most two seconds. */
  close(): Promise<void>;
}

/** One request's content. */
interface Batch {
  count: number;
  bytes: Uint8Array;
}

/**
 * Sends spans by OTLP over HTTP, one batch after the other. The SDK's transport does it: it reads the standard variables
 * OTEL_EXPORTER_OTLP_… itself (address, headers, certificates, compression, time-out), and tries again.
 */
export function exportSpans(options: SpanExportOptions, logger: Logger): SpanExport {
  const { type, encoder, serializer } = PROTOCOLS[options.protocol];
  const exporter = new OTLPExporterBase<Batch>(
    createOtlpHttpExportDelegate(
      convertLegacyHttpOptions({}, 'TRACES', 'v1/traces', { 'Content-Type': type }),
      {
        serializeRequest: ({ bytes }: Batch) => bytes,
        deserializeResponse: (data: Uint8Array) => serializer.deserializeResponse(data),
      },
      'otlp_http_span_exporter',
      { name: 'span', countItems: ({ count }: Batch) => count },
      undefined,
    ),
  );
  // As the SDK has it: a batch that is larger than the queue would never be full.
  const batchSize = Math.min(options.batchSize, options.queueSize);
  const spans = encoder();
  let count = 0;
  let lost = 0;
  let isSending = false;

  const send = () => {
    if (count === 0) return;
    const batch = { count, bytes: spans.take() };
    count = 0;
    isSending = true;
    exporter.export(batch, ({ error }) => {
      isSending = false;
      if (error) lost += batch.count;
      if (lost > 0) logger.warn({ err: error, spans: lost }, 'tracing: spans are lost');
      lost = 0;
      if (count >= batchSize) send();
    });
  };
  const timer = setInterval(() => {
    if (!isSending) send();
  }, options.delay).unref();

  return {
    add(span) {
      if (count >= options.queueSize) {
        lost++;
        return;
      }
      spans.add(span);
      count++;
      if (count >= batchSize && !isSending) send();
    },
    async close() {
      clearInterval(timer);
      send();
      const late = new AbortController();
      const limit = pause(LAST_EXPORT_WITHIN, late.signal).then(() => {
        if (!late.signal.aborted)
          logger.warn('tracing: the collector does not answer, the last spans are lost');
      });
      await Promise.race([exporter.shutdown(), limit]);
      late.abort();
    },
  };
}
