import { afterAll, afterEach, beforeAll } from '@jest/globals';
import { type TestStack, testStack } from 'walpost/testing/test-stack';
import { type Collector, startCollector } from 'walpost/testing/trace-collector';
import { putRight } from '../stack/put-right.ts';

/** The whole stack, which all suites of this folder share: each leaves it running, and counts its own orders only. */
export let stack: TestStack;
/** Gets the spans of its services. */
export let collector: Collector;

beforeAll(async () => {
  collector = await startCollector();
  stack = await testStack(undefined, {
    settings: {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_BSP_SCHEDULE_DELAY: '200',
    },
  });
});
afterEach(() => putRight(stack));
afterAll(async () => {
  await stack?.close();
  await collector?.close();
});
