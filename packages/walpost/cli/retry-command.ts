import { milliseconds } from '@walpost/kit/postgres/rows';
import { Argument, Command } from 'commander';
import { sql } from 'drizzle-orm';
import { CliError, UsageError } from '../cli-error.ts';
import type { Config } from '../config.ts';
import { DRY_RUN, waitOption, yesOption } from '../options.ts';
import { formatAge, oneLine, printTable } from '../output.ts';
import type { Project } from '../project.ts';
import { withDatabase } from '../service-database.ts';

interface Options {
  all?: true;
  wait: number;
  yes?: true;
}

/** Work of a service that somebody outside refused for good, as its function `refused` gives it. */
interface Refused extends Record<string, unknown> {
  readonly key: string;
  readonly what: string;
  readonly attempts: number;
  /** Since when there is this work, ms since the epoch. */
  readonly at: number;
  /** What the other side said. */
  readonly answer: string | null;
}

/** `walpost retry …` */
export function retryCommand(
  config: () => Config,
  _env: NodeJS.ProcessEnv,
  { system }: Pick<Project, 'system'>,
): Command {
  return new Command('retry')
    .description('list what was refused to a service for good, and have it tried again')
    .addArgument(new Argument('<service>', 'whose work').choices(system.services.map(({ name }) => name)))
    .argument('[key]', 'only what is of this key')
    .option('--all', 'all of it')
    .addOption(yesOption())
    .addOption(waitOption())
    .action((service: string, key: string | undefined, options: Options) =>
      retry(config(), service, key, options),
    );
}

async function retry(
  config: Config,
  service: string,
  key: string | undefined,
  { all, wait, yes }: Options,
): Promise<void> {
  if (yes && (key === undefined) !== (all === true))
    throw new UsageError('say what to try again: a key, or --all');
  const ofKey = key ?? null;
  await withDatabase(config, service, wait, async (db) => {
    const [made] = await db.execute<{ both: boolean }>(sql`
      select to_regprocedure('refused(text)') is not null
        and to_regprocedure('retry_refused(text)') is not null as both`);
    if (!made?.both)
      throw new CliError(
        `${service} has nothing to try again: its migrations make no functions refused(text) and retry_refused(text)`,
      );
    const refused = await db.execute<Refused>(
      sql`select key, what, attempts, ${milliseconds('at')} as at, answer from refused(${ofKey})`,
    );
    if (refused.length === 0) {
      console.log('nothing of this is refused');
      return;
    }
    printTable(
      ['KEY', 'WHAT', 'ATTEMPTS', 'AGE', 'ANSWER'],
      refused.map((each) => [
        oneLine(each.key, 40),
        oneLine(each.what, 40),
        each.attempts,
        formatAge((Date.now() - each.at) / 1000),
        oneLine(each.answer ?? '-', 80),
      ]),
    );
    if (!yes) {
      console.log(DRY_RUN);
      return;
    }
    const [again] = await db.execute<{ count: number }>(sql`select retry_refused(${ofKey})::int as count`);
    console.log(`tried again: ${again?.count}`);
  });
}
