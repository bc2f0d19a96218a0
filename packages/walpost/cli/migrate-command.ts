import { ConfigError, databaseFault } from '@walpost/kit/errors';
import { migrateService } from '@walpost/kit/service/run-migration';
import { messageOf } from '@walpost/kit/telemetry/describe-error';
import { Argument, Command } from 'commander';
import { CliError } from '../cli-error.ts';
import type { Config } from '../config.ts';
import type { Project } from '../project.ts';

/** `walpost migrate` */
export function migrateCommand(
  _config: () => Config,
  env: NodeJS.ProcessEnv,
  { folder, system }: Project,
): Command {
  const names = system.services.map(({ name }) => name);
  return new Command('migrate')
    .description(
      "make each service's database, or bring it to its newest shape; needs POSTGRES_USER and POSTGRES_PASSWORD",
    )
    .addArgument(new Argument('[service]', 'all when none is given').choices(names))
    .action(async (service: string | undefined) => {
      const undone: string[] = [];
      for (const name of service === undefined ? names : [service]) {
        try {
          undone.push(...(await migrateService(system, folder, name, env)));
        } catch (error) {
          if (error instanceof ConfigError || databaseFault(error) !== undefined)
            throw new CliError(`${name}: ${messageOf(error)}`, { cause: error });
          throw error;
        }
        console.log(`${name}: database ${system.service(name).database} is up to date`);
      }
      for (const each of new Set(undone)) console.error(`walpost: warning: ${each}`);
    });
}
