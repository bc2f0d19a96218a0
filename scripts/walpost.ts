import { existsSync } from 'node:fs';
import { reason } from '@walpost/schemas/errors';
import { Command, CommanderError } from 'commander';
import { CliError } from './cli-error.js';
import { type Config, readConfig } from './config.js';
import { connectorsCommand } from './connectors-command.js';
import { deadLettersCommand } from './dead-letters-command.js';
import { doctorCommand } from './doctor-command.js';
import { groupsCommand } from './groups-command.js';
import { outboxCommand } from './outbox-command.js';
import { schemasCommand } from './schemas-command.js';
import { topicsCommand } from './topics-command.js';
import { traceCommand } from './trace-command.js';

// A request whose connection was closed in the middle leaves nothing that Node would wait for, and its time limit does
// not count: without this the program would end without a word.
const waiting = setInterval(() => undefined, 60_000);
process.exitCode = await main(process.argv, process.env);
clearInterval(waiting);

/** Runs one command. @returns the exit code: 0 ok, 1 failed, 2 called wrongly */
async function main(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  try {
    // What is set in the environment wins over the file.
    if (existsSync('.env')) process.loadEnvFile('.env');
    await createProgram(() => readConfig(env), env).parseAsync(argv);
    return 0;
  } catch (error) {
    // Commander has printed its message already; help and version are no failures.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    console.error(`walpost: ${error instanceof CliError ? error.message : describe(error)}`);
    return error instanceof CliError ? error.exitCode : 1;
  }
}

function createProgram(config: () => Config, env: NodeJS.ProcessEnv): Command {
  const program = new Command('walpost')
    .description("The operator's command line of Walpost. Settings come from the environment and from .env.")
    .showHelpAfterError('(--help shows how it is called)');
  const groups = [
    schemasCommand,
    topicsCommand,
    connectorsCommand,
    groupsCommand,
    deadLettersCommand,
    outboxCommand,
    traceCommand,
  ];
  for (const group of groups) program.addCommand(group(config));
  program.addCommand(doctorCommand(config, env));
  const stop = (command: Command) => {
    command.exitOverride();
    command.commands.forEach(stop);
  };
  stop(program);
  return program;
}

/** An error that knows whether to retry was raised on purpose and speaks for itself; any other is our mistake. */
function describe(error: unknown): string {
  if (error instanceof Error && 'retryable' in error) return reason(error);
  return `unexpected: ${error instanceof Error ? (error.stack ?? error.message) : error}`;
}
