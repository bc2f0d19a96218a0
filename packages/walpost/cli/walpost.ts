#!/usr/bin/env node
import { accessSync, constants, existsSync } from 'node:fs';
import module from 'node:module';
import { join } from 'node:path';
import { defineConfig } from '@walpost/kit/config';
import { defineContract } from '@walpost/kit/contract/contract';
import { reason } from '@walpost/kit/contract/errors';
import { messageOf } from '@walpost/kit/telemetry/describe-error';
import { Command, CommanderError } from 'commander';
import { CliError } from '../cli-error.ts';
import { type Config, readConfig } from '../config.ts';
import { printable } from '../output.ts';
import { loadProject, type Project } from '../project.ts';
import { withTodaysNames } from './former-names.ts';

/** The commands by their names. Each is loaded when it is called for: all of them take a second of a processor. */
type CommandOf = (config: () => Config, env: NodeJS.ProcessEnv, project: Project) => Command;
const commands: Record<string, () => Promise<CommandOf>> = {
  start: async () => (await import('./start-command.ts')).startCommand,
  generate: async () => (await import('./generate-command.ts')).generateCommand,
  compose: async () => (await import('./compose-command.ts')).composeCommand,
  migrate: async () => (await import('./migrate-command.ts')).migrateCommand,
  roles: async () => (await import('./roles-command.ts')).rolesCommand,
  schemas: async () => (await import('./schemas/schemas-command.ts')).schemasCommand,
  topics: async () => (await import('./topics/topics-command.ts')).topicsCommand,
  connectors: async () => (await import('./connectors-command.ts')).connectorsCommand,
  groups: async () => (await import('./groups/groups-command.ts')).groupsCommand,
  'dead-letters': async () => (await import('./dead-letters-command.ts')).deadLettersCommand,
  retry: async () => (await import('./retry-command.ts')).retryCommand,
  outbox: async () => (await import('./outbox/outbox-command.ts')).outboxCommand,
  trace: async () => (await import('./trace-command.ts')).traceCommand,
  doctor: async () => (await import('./doctor-command.ts')).doctorCommand,
  export: async () => (await import('./export-command.ts')).exportCommand,
  kafka: async () => (await import('./kafka-command.ts')).kafkaCommand,
};

// Node keeps what it compiles of them, in the folder for temporary files: a third of a short command's work. Node 20 cannot.
module.enableCompileCache?.();

const NO_PROJECT: Project = {
  folder: '.',
  system: defineConfig({ name: 'none', contract: defineContract([]), services: {} }),
};

// A request whose connection was closed in the middle leaves nothing that Node would wait for, and its time limit does
// not count: without this the program would end without a word.
const waiting = setInterval(() => undefined, 60_000);
process.exitCode = await main(process.argv, process.env);
clearInterval(waiting);
// Nor must a connection keep it that the Kafka client has given up and not closed, as to a broker that never answers.
setTimeout(() => process.exit(), 1_000).unref();

/** Runs one command. @returns the exit code: 0 ok, 1 failed, 2 called wrongly */
async function main(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  try {
    const { args, renamed } = withTodaysNames(argv.slice(2));
    for (const { former, name } of renamed)
      console.error(`walpost: warning: ${former} is ${name} now; the next release drops the former name`);
    const program = await createProgram(args[0] ?? '', env);
    await program.parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    // Commander has printed its message already; help and version are no failures.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const text = error instanceof CliError ? error.message : describe(error);
    // What others have named as they like, a group for example, is in it.
    console.error(`walpost: ${text.split('\n').map(printable).join('\n')}`);
    return error instanceof CliError ? error.exitCode : 1;
  }
}

/** The project of this folder. What is set in the environment wins over its .env. */
async function openProject(): Promise<Project> {
  const project = await loadProject(process.cwd());
  const path = join(project.folder, '.env');
  if (existsSync(path)) loadEnvFile(path);
  return project;
}

/** @throws CliError when it cannot be read: it is its owner's only */
function loadEnvFile(path: string): void {
  try {
    // Node says of one that is closed to this user that it is not there.
    accessSync(path, constants.R_OK);
    process.loadEnvFile(path);
  } catch (error) {
    throw new CliError(`${path} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

/** @param name of the one command that is called; any other word gives a program that knows all of them */
async function createProgram(name: string, env: NodeJS.ProcessEnv): Promise<Command> {
  const program = new Command('walpost')
    .description(
      "The operator's command line of Walpost. Settings come from the environment and from the project's .env.",
    )
    .enablePositionalOptions()
    .showHelpAfterError('(--help shows how it is called)');
  const called = Object.hasOwn(commands, name) ? commands[name] : undefined;
  // Whoever only asks for help need not be in a project.
  // Nor need its contract be there for the command that writes it.
  const project = called && name !== 'generate' ? await openProject() : NO_PROJECT;
  for (const load of called ? [called] : Object.values(commands))
    program.addCommand((await load())(() => readConfig(project, env), env, project));
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
