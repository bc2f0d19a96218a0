import { afterAll, afterEach, beforeAll } from '@jest/globals';
import { setting } from 'walpost/testing/support';
import { type TestStack, testStack } from 'walpost/testing/test-stack';
import { type Collector, startCollector } from 'walpost/testing/trace-collector';

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
/** Starts what a test left stopped, and resumes what it left paused: all later ones would wait, until their time is over. */
afterEach(async () => {
  for (const part of stack.stopped()) await stack.start(part);
  const answer = await fetch(`${setting(stack.env, 'CONNECT_URL')}/connectors?expand=status`);
  const connectors = (await answer.json()) as Record<string, { status: { connector: { state: string } } }>;
  for (const [name, { status }] of Object.entries(connectors)) {
    if (status.connector.state === 'PAUSED') await stack.operate('connectors', 'resume', name);
  }
});
afterAll(async () => {
  await stack?.close();
  await collector?.close();
});
