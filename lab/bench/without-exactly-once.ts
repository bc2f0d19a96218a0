import type { ConnectorFile } from 'walpost/connect/connector-files';
import { type TestStack, testStack } from 'walpost/testing/test-stack';
import { RELAY_PARTS } from './parts.ts';

/** A second stack, whose worker has exactly-once source support switched off; its connectors must not require it. */
export async function startWithoutExactlyOnce(): Promise<TestStack> {
  return testStack(RELAY_PARTS, {
    viewsOf: async () => ({ connect: { EXACTLY_ONCE_SOURCE_SUPPORT: 'disabled' } }),
  });
}

/** A connector that runs on such a worker. */
export const withoutExactlyOnce = ({ name, config }: ConnectorFile): ConnectorFile => ({
  name,
  config: { ...config, 'exactly.once.support': 'requested' },
});
