import { Type } from 'typebox';
import type { Settings } from './config.js';
import type { Logger } from './logger.js';
import { useTracing } from './trace.js';

/** OpenTelemetry's own variables; tracing is on when one of the two addresses is set. */
export const tracingSettings = {
  OTEL_EXPORTER_OTLP_ENDPOINT: Type.Optional(Type.String({ pattern: '^https?://' })),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: Type.Optional(Type.String({ pattern: '^https?://' })),
  OTEL_EXPORTER_OTLP_PROTOCOL: Type.Enum(['http/protobuf', 'http/json'], { default: 'http/protobuf' }),
  OTEL_SDK_DISABLED: Type.Boolean({ default: false }),
};

/**
 * Switches tracing on when it is configured; otherwise OpenTelemetry is not even loaded.
 *
 * @returns hands on what is left and switches it off; undefined when tracing is off
 */
export async function startTracing(
  service: string,
  settings: Settings<typeof tracingSettings>,
  logger: Logger,
): Promise<(() => Promise<void>) | undefined> {
  const endpoint = settings.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? settings.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (endpoint === undefined || settings.OTEL_SDK_DISABLED) return undefined;
  const { createTracing } = await import('./open-telemetry.js');
  const tracing = createTracing(service, settings.OTEL_EXPORTER_OTLP_PROTOCOL, logger);
  useTracing(tracing);
  logger.info({ endpoint }, 'traces are sent');
  return async () => {
    useTracing(undefined);
    await tracing.close();
  };
}
