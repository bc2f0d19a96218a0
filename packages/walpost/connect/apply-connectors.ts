import { isDeepStrictEqual } from 'node:util';
import { reason } from '@walpost/kit/contract/errors';
import { CliError } from '../cli-error.ts';
import { awaitConnector } from './await-connector.ts';
import type { ConnectClient, ConnectorConfig } from './connect-client.ts';
import type { ConnectorFile } from './connector-files.ts';

export interface ConnectorOutcome {
  readonly name: string;
  readonly outcome: 'created' | 'changed' | 'unchanged';
}

/**
 * Makes the connectors as their files say and waits until connector and every task is RUNNING.
 * @param seconds how long one connector may take to run
 * @throws CliError naming every connector that is not running, with its own error
 */
export async function applyConnectors(
  connect: ConnectClient,
  files: readonly ConnectorFile[],
  seconds: number,
): Promise<ConnectorOutcome[]> {
  const results = await Promise.allSettled(files.map((file) => applyConnector(connect, file, seconds)));
  const failures = results.filter((result) => result.status === 'rejected');
  if (failures.length > 0) throw new CliError(failures.map((failed) => reason(failed.reason)).join('\n  '));
  return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
}

async function applyConnector(
  connect: ConnectClient,
  { name, config }: ConnectorFile,
  seconds: number,
): Promise<ConnectorOutcome> {
  const current = await connect.config(name);
  const unchanged = current !== undefined && isAsDeclared(current, config);
  // Sending the same config again would restart a connector that is fine.
  if (!unchanged) {
    try {
      await connect.put(name, config);
    } catch (error) {
      throw new CliError(`${name} was refused: ${reason(error)}`, { cause: error });
    }
  }
  await awaitConnector(connect, name, 'RUNNING', { seconds, restartFailed: true });
  return { name, outcome: current === undefined ? 'created' : unchanged ? 'unchanged' : 'changed' };
}

/** Whether Connect has a connector as its file says; Connect adds the name. */
export function isAsDeclared(current: ConnectorConfig, declared: ConnectorConfig): boolean {
  return isDeepStrictEqual(withoutName(current), withoutName(declared));
}

function withoutName(config: ConnectorConfig): ConnectorConfig {
  return Object.fromEntries(Object.entries(config).filter(([key]) => key !== 'name'));
}
