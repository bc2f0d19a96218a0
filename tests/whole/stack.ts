import { afterAll, beforeAll } from '@jest/globals';
import { type TestStack, testStack } from 'walpost/testing/test-stack';

/** The whole stack, which all suites of this folder share: each leaves it running, and counts its own orders only. */
export let stack: TestStack;

beforeAll(async () => {
  stack = await testStack();
});
afterAll(() => stack?.close());
