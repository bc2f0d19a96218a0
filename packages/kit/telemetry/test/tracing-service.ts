// Says whether OpenTelemetry's SDK is loaded once tracing has started, towards the address of its argument if it has one.
import { Module } from 'node:module';
import { createLogger } from '@walpost/kit/telemetry/logger';
import { startTracing, tracingSettings } from '@walpost/kit/telemetry/start-tracing';
import { readConfig } from '../../environment.ts';
import '@walpost/kit/service/run-service';

const [endpoint] = process.argv.slice(2);
const settings = readConfig(tracingSettings, { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint });
await startTracing('test-service', settings, createLogger('test', 'silent'));
// What require() has loaded; Node's types do not have it.
const { _cache: cache } = Module as unknown as { _cache: Record<string, unknown> };
const loaded = Object.keys(cache).filter((file) => /@opentelemetry.(sdk|otlp|exporter)/.test(file));
process.stdout.write(`${loaded.length > 0}\n`);
