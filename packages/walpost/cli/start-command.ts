import { Command } from 'commander';
import { programOf } from '../program-of.ts';

/** `walpost start`: the project and all that it runs on, until Ctrl-C. */
export function startCommand(): Command {
  return new Command('start')
    .description('start Postgres, Kafka, the registry, Connect and every service here, without Docker')
    .action(async () => {
      await import(programOf('stack/main'));
    });
}
