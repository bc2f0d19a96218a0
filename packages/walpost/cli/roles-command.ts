import { Command, Option } from 'commander';
import type { Config } from '../config.ts';
import type { Project } from '../project.ts';
import { administratorSteps, type ProviderName, providerNames } from '../providers.ts';

/** `walpost roles` */
export function rolesCommand(_config: () => Config, _env: NodeJS.ProcessEnv, { system }: Project): Command {
  return new Command('roles')
    .description(
      'print what only an administrator of the Postgres server can do: parameters, replication rights; as SQL, with steps',
    )
    .addOption(
      new Option('--for <provider>', 'who runs the server').choices(providerNames).makeOptionMandatory(),
    )
    .action((options: { for: ProviderName }) => console.log(administratorSteps(system, options.for)));
}
