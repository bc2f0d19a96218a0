import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { System } from '@walpost/kit/config';
import { Command } from 'commander';
import { CliError } from '../cli-error.ts';
import { connectorConfig } from '../connect/connector-config.ts';
import { CONTRACT, contractText, isStale, staleText } from '../generated-file.ts';
import { hostAccess } from '../host-access.ts';
import { findProject, loadProject } from '../project.ts';
import { asyncApi } from './schemas/asyncapi.ts';

/** `walpost generate`: what follows from the `.avsc` files and from `walpost.config.ts`, as files to be committed. */
export function generateCommand(): Command {
  return new Command('generate')
    .description('write the contract of the .avsc files, the connectors and the AsyncAPI document')
    .option('--check', 'write nothing; exit 1 when a file is not as it would be written')
    .action(async ({ check }: { check?: true }) => {
      const folder = findProject(process.cwd());
      // First: the configuration imports it.
      const contract = { [CONTRACT]: contractText(folder) };
      const stale = put(folder, contract, check);
      // What it imports would be the old one.
      if (stale.length > 0 && check) throw new CliError(staleText(stale));
      const { system } = await loadProject(folder);
      stale.push(...put(folder, filesOf(system, folder), check));
      if (stale.length === 0) console.log('everything is as it is to be');
      else if (check) throw new CliError(staleText(stale));
      else for (const file of stale) console.log(`wrote ${file}`);
    });
}

function filesOf(system: System, folder: string): Record<string, string> {
  const json = (content: unknown) => `${JSON.stringify(content, null, 2)}\n`;
  const connectors = system.services.flatMap((service) => {
    const config = connectorConfig(service);
    return config ? [[`connectors/${service.publishes?.connector}.json`, json(config)]] : [];
  });
  return {
    ...Object.fromEntries(connectors),
    'docs/asyncapi.json': json(asyncApi(system)),
    // Who runs by docker compose has it as a file.
    ...(existsSync(join(folder, 'compose/postgres')) && {
      'compose/postgres/pg_hba.conf': hostAccess(system),
    }),
  };
}

/** @returns the files that were other than they are to be; with `check` they still are */
function put(folder: string, files: Readonly<Record<string, string>>, check = false): string[] {
  const stale = Object.entries(files).filter(([file, text]) => isStale(folder, file, text));
  for (const [file, text] of check ? [] : stale) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
  return stale.map(([file]) => file);
}
