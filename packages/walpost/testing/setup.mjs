import { testStack } from '../../../dist/testing/test-stack.js';

/** Starts what integration tests share, on ports and in a folder of their own; tests find it in the environment. */
export default async function setup() {
  const stack = await testStack(['postgres', 'kafka', 'registry']);
  Object.assign(process.env, stack.env, { WALPOST_TEST_DATA: stack.dataDir });
  globalThis.walpostStack = stack;
}
