import { join } from 'node:path';
import { applyConnectors } from 'walpost/connect/apply-connectors';
import { createConnectClient } from 'walpost/connect/connect-client';
import { type ConnectorFile, readConnectorFiles } from 'walpost/connect/connector-files';
import { root } from 'walpost/stack/paths';
import { setting } from 'walpost/stack/settings';
import type { TestStack } from 'walpost/testing/test-stack';

const TIMEOUT_S = 60;

/** The connectors of a stack. */
export interface Connectors {
  /** Makes them run as their files say, changed by `change`, and waits until they do. */
  apply(names: readonly string[], change?: (file: ConnectorFile) => ConnectorFile): Promise<void>;
  /** Takes them away. Slot and offsets stay: applied again, they go on where they were. */
  remove(names: readonly string[]): Promise<void>;
}

export function connectorsOf({ env }: TestStack): Connectors {
  const client = createConnectClient({ url: setting(env, 'CONNECT_URL') }, TIMEOUT_S);
  return {
    async apply(names, change = (file) => file) {
      await applyConnectors(client, connectorFiles(names).map(change), TIMEOUT_S);
    },
    async remove(names) {
      for (const name of names) await client.delete(name);
    },
  };
}

/** The files of connectors, as they are. */
function connectorFiles(names: readonly string[]): ConnectorFile[] {
  return readConnectorFiles(join(root, 'connectors'), names);
}

/** What connectors are called when their files were changed by `change`. */
export function namesOf(names: readonly string[], change: (file: ConnectorFile) => ConnectorFile): string[] {
  return connectorFiles(names).map((file) => change(file).name);
}

/** What Walpost sets for speed and not for correctness: without these Debezium has its own defaults. */
const TUNING = ['poll.interval.ms', 'max.batch.size', 'producer.override.batch.size'];

/** A connector with Debezium's own values where Walpost has tuned them. */
export function withDefaults({ name, config }: ConnectorFile): ConnectorFile {
  return {
    name,
    config: Object.fromEntries(Object.entries(config).filter(([key]) => !TUNING.includes(key))),
  };
}

/** The slot that a connector reads, by the connector's name. */
export const slotOf = (name: string) => name.replaceAll('-', '_');
