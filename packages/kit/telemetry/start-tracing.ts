import { Type } from 'typebox';
import { HttpUrl, type Settings } from '../environment.ts';
import type { Logger } from './logger.ts';
import { useTracing } from './trace.ts';

const SAMPLERS = ['always_on', 'always_off', 'traceidratio'] as const;

/**
 * OpenTelemetry's own variables; tracing is on when one of the two addresses is set. Its SDK reads them itself, and others
 * like OTEL_EXPORTER_OTLP_HEADERS and OTEL_RESOURCE_ATTRIBUTES. Where it would go on with a default, these are refused.
 *
 * Source: opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables.
 */
export const tracingSettings = {
  OTEL_EXPORTER_OTLP_ENDPOINT: Type.Optional(HttpUrl()),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: Type.Optional(HttpUrl()),
  OTEL_EXPORTER_OTLP_PROTOCOL: Type.Enum(['http/protobuf', 'http/json'], { default: 'http/protobuf' }),
  OTEL_SDK_DISABLED: Type.Boolean({ default: false }),
  OTEL_TRACES_SAMPLER: Type.Enum([...SAMPLERS, ...SAMPLERS.map((each) => `parentbased_${each}` as const)], {
    default: 'parentbased_always_on',
  }),
  OTEL_TRACES_SAMPLER_ARG: Type.Number({ default: 1, minimum: 0, maximum: 1 }),
  OTEL_BSP_SCHEDULE_DELAY: Type.Integer({ default: 5_000, minimum: 1 }),
  OTEL_BSP_MAX_EXPORT_BATCH_SIZE: Type.Integer({ default: 512, minimum: 1 }),
  OTEL_BSP_MAX_QUEUE_SIZE: Type.Integer({ default: 2_048, minimum: 1 }),
};

export type TracingSettings = Settings<typeof tracingSettings>;

/**
 * Switches tracing on when it is configured; otherwise OpenTelemetry's SDK is not even loaded.
 *
 * @param connectorOf says which connector posts the events of a topic: its spans are the connector's
 * @returns hands on what is left and switches it off; undefined when tracing is off
 */
export async function startTracing(
  service: string,
  settings: TracingSettings,
  logger: Logger,
  connectorOf: (topic: string) => string = (topic) => topic,
): Promise<(() => Promise<void>) | undefined> {
  const endpoint = settings.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? settings.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (endpoint === undefined || settings.OTEL_SDK_DISABLED) return undefined;
  const { registerSdk } = await import('./open-telemetry.ts');
  const tracing = registerSdk(service, settings, logger, connectorOf);
  useTracing(tracing);
  logger.info({ endpoint }, 'traces are sent');
  return async () => {
    useTracing(undefined);
    await tracing.close();
  };
}
