import { createRegistry } from '@walpost/kit/contract/registry';
import { Command, Option } from 'commander';
import { CliError, UsageError } from '../cli-error.ts';
import type { Config } from '../config.ts';
import { decodeDeadLetter } from '../dead-letters/decode-dead-letter.ts';
import { type Discard, discardDeadLetter, planDiscard } from '../dead-letters/discard-dead-letter.ts';
import {
  findDeadLetter,
  findDeadLetters,
  findOpen,
  type ListedDeadLetter,
  recordOf,
  stateOf,
} from '../dead-letters/find-dead-letters.ts';
import { chosen, type Replay, replayDeadLetters } from '../dead-letters/request-replay.ts';
import { deadLetterJson, showDeadLetter } from '../dead-letters/show-dead-letter.ts';
import { DRY_RUN, jsonOption, serviceOption, waitOption, wholeNumber, yesOption } from '../options.ts';
import { formatAge, oneLine, printable, printJson, printTable } from '../output.ts';
import type { Project } from '../project.ts';
import { withDatabase } from '../service-database.ts';

interface Options {
  service: string;
  wait: number;
  json?: true;
  yes?: true;
}
type ListOptions = Partial<Options> & { wait: number; key?: string; all?: true; limit: number };
type ReplayOptions = Options & { id?: number; all?: true };
type DiscardOptions = Options & { reason: string };

/** `walpost dead-letters …` */
export function deadLettersCommand(
  config: () => Config,
  _env: NodeJS.ProcessEnv,
  { system }: Project,
): Command {
  const group = new Command('dead-letters').description('events that a service could not handle');
  const wholeId = wholeNumber(1);

  group
    .command('list')
    .description('list open dead letters, of every service that can be reached unless one is named')
    .addOption(serviceOption(system))
    .option('--key <key>', 'only those of one key')
    .option('--all', 'settled ones too: replayed and discarded')
    .addOption(
      new Option('--limit <n>', 'at most so many of a service')
        .argParser(wholeNumber(1, 100_000))
        .default(200),
    )
    .addOption(waitOption(0, 'how long to wait for a database that is not there yet'))
    .addOption(jsonOption())
    .action((options: ListOptions) => list(config(), options));

  group
    .command('show')
    .description('show everything about a dead letter: headers, error, bytes, and what they mean')
    .argument('<id>', 'of the dead letter', wholeId)
    .addOption(serviceOption(system).makeOptionMandatory())
    .addOption(waitOption())
    .addOption(jsonOption())
    .action(async (id: number, { service, wait, json }: Options) => {
      const settings = config();
      const deadLetter = await withDatabase(settings, service, wait, (db) => findDeadLetter(db, id));
      const registry = createRegistry({ ...settings.registry, clientId: 'walpost-cli' });
      const decoded = await decodeDeadLetter(system.contract, registry, deadLetter.value);
      if (json) printJson(deadLetterJson(service, deadLetter, decoded));
      else console.log(showDeadLetter(service, deadLetter, decoded));
    });

  group
    .command('replay')
    .description('let the running service handle dead letters again, those of a key in their order')
    .argument('[key]', 'all open dead letters of this key')
    .option('--id <id>', 'all open dead letters of the key of this dead letter', wholeId)
    .option('--all', 'all open dead letters')
    .addOption(serviceOption(system).makeOptionMandatory())
    .addOption(yesOption())
    .addOption(
      waitOption(30, 'how long to wait for the database, and for the service to close the dead letters'),
    )
    .action((key: string | undefined, options: ReplayOptions) => replay(config(), key, options));

  group
    .command('discard')
    .description('give a dead letter up, keep it as a record, and let what is parked behind it go on')
    .argument('<id>', 'of the dead letter', wholeId)
    .requiredOption('--reason <text>', 'why; kept with the dead letter')
    .addOption(serviceOption(system).makeOptionMandatory())
    .addOption(yesOption())
    .addOption(waitOption())
    .action((id: number, options: DiscardOptions) => discard(config(), id, options));

  return group;
}

async function list(config: Config, options: ListOptions): Promise<void> {
  const { service, key, all, limit, wait } = options;
  const asked = service ? [service] : config.system.services.map(({ name }) => name);
  const results = await Promise.allSettled(
    asked.map((name) =>
      withDatabase(config, name, wait, (db) => findDeadLetters(db, { key, closed: all ?? false, limit })),
    ),
  );
  const rows: { service: string; deadLetter: ListedDeadLetter }[] = [];
  const failures: string[] = [];
  for (const [at, name] of asked.entries()) {
    const result = results[at];
    if (result?.status === 'fulfilled') {
      const { deadLetters, total } = result.value;
      rows.push(...deadLetters.map((deadLetter) => ({ service: name, deadLetter })));
      if (total > deadLetters.length)
        console.error(
          `walpost: warning: ${name}: showing ${deadLetters.length} of ${total}; --limit shows more`,
        );
    } else if (result?.reason instanceof CliError) failures.push(result.reason.message);
    else throw result?.reason;
  }
  if (failures.length === asked.length) throw new CliError(failures.join('\n  '));
  for (const failure of failures) console.error(`walpost: warning: ${failure}`);
  if (options.json) {
    printJson(rows.map((row) => brief(row.service, row.deadLetter)));
  } else if (rows.length === 0) {
    console.log(all ? 'no dead letters' : 'no open dead letters');
  } else {
    printTable(
      ['SERVICE', 'ID', 'STATE', 'RECORD', 'KEY', 'CODE', 'MESSAGE', 'ATTEMPTS', 'AGE', 'PARKED'],
      rows.map(({ service: name, deadLetter }) => [
        name,
        deadLetter.id,
        stateOf(deadLetter),
        printable(recordOf(deadLetter)),
        shortKey(deadLetter.key),
        deadLetter.errorCode,
        oneLine(deadLetter.errorMessage ?? '-', 50),
        deadLetter.attempts,
        formatAge(deadLetter.ageSeconds),
        deadLetter.parkedBehind,
      ]),
    );
  }
}

function brief(service: string, deadLetter: ListedDeadLetter): object {
  const { value: _value, headers: _headers, errorStack: _stack, offset, ...rest } = deadLetter;
  return { service, ...rest, offset: offset.toString() };
}

async function replay(config: Config, key: string | undefined, options: ReplayOptions): Promise<void> {
  const { service, id, all, yes, wait } = options;
  if ([key, id, all].filter((each) => each !== undefined).length !== 1)
    throw new UsageError('say what to replay: a key, --id ID or --all');
  await withDatabase(config, service, wait, async (db) => {
    const which = await chosen(db, { key, id });
    const open = await findOpen(db, which);
    if (open.length === 0) {
      console.log('nothing to replay: no dead letter of these is open');
      return;
    }
    if (!yes) {
      printTable(
        ['#', 'ID', 'STATE', 'RECORD', 'KEY', 'CODE'],
        open.map((deadLetter, at) => [
          at + 1,
          deadLetter.id,
          stateOf(deadLetter),
          printable(recordOf(deadLetter)),
          shortKey(deadLetter.key),
          deadLetter.errorCode,
        ]),
      );
      console.log(DRY_RUN);
      return;
    }
    const replays = await replayDeadLetters(db, which, wait);
    printTable(
      ['ID', 'RECORD', 'KEY', 'OUTCOME', 'ERROR'],
      replays.map(({ deadLetter, outcome }) => [
        deadLetter.id,
        printable(recordOf(deadLetter)),
        shortKey(deadLetter.key),
        outcome,
        outcome === 'failed' ? oneLine(`${deadLetter.errorCode}: ${deadLetter.errorMessage}`, 80) : '-',
      ]),
    );
    requireClosed(replays, config.system.service(service).group, wait);
  });
}

/** @throws CliError when not every dead letter is closed */
function requireClosed(replays: readonly Replay[], group: string, wait: number): void {
  const count = (outcome: Replay['outcome']) => replays.filter((each) => each.outcome === outcome).length;
  if (count('pending') > 0) {
    throw new CliError(
      `${group} has not replayed ${count('pending')} of ${replays.length} within ${wait} s: it must be running, ` +
        'with its database and the registry; the request is kept, and asking again is safe',
    );
  }
  if (count('failed') > 0) {
    throw new CliError(
      `${count('failed')} of ${replays.length} failed again, ${count('waits')} wait behind; fix the cause, or discard`,
    );
  }
}

async function discard(config: Config, id: number, options: DiscardOptions): Promise<void> {
  const { service, yes, wait } = options;
  const reason = options.reason.trim();
  if (reason === '') throw new UsageError('--reason: say why, it is kept with the dead letter');
  await withDatabase(config, service, wait, async (db) => {
    const { deadLetter, released } = yes
      ? await discardDeadLetter(db, id, reason)
      : await planDiscard(db, id);
    console.log(
      `${yes ? 'discarded' : 'would discard'} ${service} dead letter ${id}: ${summary(deadLetter)}`,
    );
    if (released.length > 0) console.log(releasedLine(released, yes ?? false));
    if (!yes) console.log(DRY_RUN);
  });
}

function summary(deadLetter: ListedDeadLetter): string {
  const what = deadLetter.errorCode ?? deadLetter.state;
  return `${printable(recordOf(deadLetter))}, key ${shortKey(deadLetter.key) ?? '-'}, ${what}`;
}

function releasedLine(released: Discard['released'], done: boolean): string {
  const ids = released.map((each) => each.id).join(' ');
  return `${released.length} parked behind it ${done ? 'goes' : 'would go'} on: ${ids}`;
}

function shortKey(key: string | null): string | null {
  return key === null ? null : oneLine(key, 40);
}
