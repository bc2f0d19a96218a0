import { join } from 'node:path';
import { root } from '@walpost/native/paths';
import { setting } from '@walpost/native/settings';
import type { TestStack } from '@walpost/native/test-stack';
import { applyConnectors } from '@walpost/scripts/apply-connectors';
import { createConnectClient } from '@walpost/scripts/connect-client';
import { readConnectorFiles } from '@walpost/scripts/connector-files';

const PATIENCE = 60;

/** The connectors of a stack. */
export interface Connectors {
  /** Makes them run as their files say, and waits until they do. */
  apply(names: readonly string[]): Promise<void>;
  /** Takes them away. Slot and offsets stay: applied again, they go on where they were. */
  remove(names: readonly string[]): Promise<void>;
}

export function connectorsOf({ env }: TestStack): Connectors {
  const client = createConnectClient({ url: setting(env, 'CONNECT_URL') }, PATIENCE);
  return {
    async apply(names) {
      const files = readConnectorFiles(join(root, 'connectors'), names);
      await applyConnectors(client, files, PATIENCE);
    },
    async remove(names) {
      for (const name of names) await client.delete(name);
    },
  };
}
