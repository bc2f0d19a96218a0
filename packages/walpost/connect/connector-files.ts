import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { reason } from '@walpost/kit/contract/errors';
import { CliError, UsageError } from '../cli-error.ts';
import type { ConnectorConfig } from './connect-client.ts';

export interface ConnectorFile {
  /** Name of the file without `.json`, and of the connector. */
  readonly name: string;
  readonly config: ConnectorConfig;
}

/**
 * Reads `<name>.json` for the given names, or all of a folder when none are given.
 * @throws UsageError when there is no such folder or file, CliError when a file is not a flat object of strings
 */
export function readConnectorFiles(folder: string, names: readonly string[]): ConnectorFile[] {
  const available = list(folder);
  const unknown = names.find((name) => !available.includes(name));
  if (unknown !== undefined) {
    throw new UsageError(`no connector ${unknown} in ${folder}; there are ${available.join(', ') || 'none'}`);
  }
  const wanted = names.length > 0 ? available.filter((name) => names.includes(name)) : available;
  if (wanted.length === 0) throw new UsageError(`no connector files (*.json) in ${folder}`);
  return wanted.map((name) => ({ name, config: read(join(folder, `${name}.json`)) }));
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((file) => file.endsWith('.json'))
      .map((file) => file.slice(0, -'.json'.length))
      .sort();
  } catch (error) {
    throw new UsageError(`connector files cannot be listed: ${reason(error)}`, { cause: error });
  }
}

function read(path: string): ConnectorConfig {
  let config: unknown;
  try {
    config = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new CliError(`${path}: ${reason(error)}`, { cause: error });
  }
  if (config === null || typeof config !== 'object' || Array.isArray(config)) {
    throw new CliError(`${path}: a connector file is one JSON object`);
  }
  for (const [key, value] of Object.entries(config)) {
    if (typeof value !== 'string') {
      throw new CliError(
        `${path}: "${key}" must be text; write numbers and booleans in quotes, without a wrapper`,
      );
    }
  }
  return config as ConnectorConfig;
}
