import { Command } from 'commander';
import { CliError } from '../cli-error.ts';
import { runProgramOf } from '../run-program-of.ts';

/** `walpost start`: the project and all that it runs on, until Ctrl-C. */
export function startCommand(): Command {
  return new Command('start')
    .description('start Postgres, Kafka, the registry, Connect and every service here, without Docker')
    .action(async () => {
      const code = await runProgramOf('stack/main');
      if (code === null) throw new CliError('the stack was killed');
      // With the code it has said why.
      process.exitCode = code;
    });
}
