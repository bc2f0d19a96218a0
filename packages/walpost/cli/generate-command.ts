import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { System } from '@walpost/kit/config';
import { Command } from 'commander';
import { CliError } from '../cli-error.ts';
import { composeFileIn, isRepository, projectFiles, repositoryFiles } from '../compose/compose-files.ts';
import { ENV_EXAMPLE, envExample } from '../compose/env-example.ts';
import { connectorFile, connectorsOf } from '../connect/connector-config.ts';
import { CONTRACT, contractText, putFiles, staleText } from '../generated-file.ts';
import { findProject, loadProject } from '../project.ts';
import { asyncApi } from './schemas/asyncapi.ts';

/** `walpost generate`: what follows from the `.avsc` files and from `walpost.config.ts`, as files to be committed. */
export function generateCommand(): Command {
  return new Command('generate')
    .description(
      'write what follows from the .avsc files and walpost.config.ts: the contract, connectors, AsyncAPI, .env.example, compose files',
    )
    .option('--check', 'write nothing; exit 1 when a file is not as it would be written')
    .action(async ({ check }: { check?: true }) => {
      const folder = findProject(process.cwd());
      // First: the configuration imports it.
      const contract = { [CONTRACT]: contractText(folder) };
      const stale = putFiles(folder, contract, check);
      // What it imports would be the old one.
      if (stale.length > 0 && check) throw new CliError(staleText(stale));
      const { system } = await loadProject(folder);
      stale.push(...putFiles(folder, filesOf(system, folder), check));
      if (stale.length > 0 && check) throw new CliError(staleText(stale));
      for (const file of stale) console.log(`wrote ${file}`);
      const left = leftConnectors(system, folder);
      if (left.length > 0)
        throw new CliError(
          `${left.join(', ')}: no service of walpost.config.ts has this connector, and \`walpost connectors apply\` would run it; delete the file, and the connector where it runs`,
        );
      if (stale.length === 0) console.log('everything is as it is to be');
    });
}

function filesOf(system: System, folder: string): Record<string, string> {
  return {
    ...Object.fromEntries(connectorsOf(system).map(connectorFile)),
    'docs/asyncapi.json': `${JSON.stringify(asyncApi(system), null, 2)}\n`,
    ...settingsOf(system, folder),
    ...composeFilesOf(system, folder),
  };
}

/** Files of ours that a service had which is gone, or publishes no more. Connectors of other names are somebody else's. */
function leftConnectors(system: System, folder: string): string[] {
  const connectors = join(folder, 'connectors');
  const wanted = system.services.flatMap(({ publishes }) => publishes?.connector ?? []);
  const found = existsSync(connectors) ? readdirSync(connectors) : [];
  return found
    .filter((file) => file.endsWith('-outbox.json') && !wanted.includes(file.slice(0, -'.json'.length)))
    .map((file) => `connectors/${file}`);
}

function settingsOf(system: System, folder: string): Readonly<Record<string, string>> {
  const text = envExample(system, folder, isRepository(folder));
  return text === undefined ? {} : { [ENV_EXAMPLE]: text };
}

/** Those of docker compose, for whoever has them. */
function composeFilesOf(system: System, folder: string): Readonly<Record<string, string>> {
  if (isRepository(folder)) return repositoryFiles(system);
  return composeFileIn(folder) === 'ours' ? projectFiles(system) : {};
}
