import { Command } from 'commander';
import { CliError } from '../../cli-error.ts';
import type { Config } from '../../config.ts';
import { jsonOption } from '../../options.ts';
import { printable, printJson, printTable } from '../../output.ts';
import { audit, type RangeOptions, rangeOf, rangeOptions } from './audit-range.ts';
import type { Difference } from './find-differences.ts';

/** Differences shown in the table; --json has them all. */
const SHOWN = 200;

/** `walpost outbox audit` */
export function outboxAuditCommand(config: () => Config): Command {
  const command = new Command('audit').description(
    'compare outboxes, topics and what consumers have seen; exit 1 when they differ',
  );
  return rangeOptions(command)
    .addOption(jsonOption())
    .action(async (options: RangeOptions & { json?: true }) => {
      const range = rangeOf(options, Date.now());
      const { events, differences } = await audit(config(), range, options);
      if (options.json) printJson({ ...range, events, differences });
      else if (differences.length > 0) printDifferences(differences);
      if (differences.length > 0) throw new CliError(`${differences.length} differences in ${events} events`);
      if (!options.json) console.log(`${events} events: outboxes, topics and inboxes agree`);
    });
}

/** Prints differences as a table, the first of them when there are many. */
export function printDifferences(differences: readonly Difference[]): void {
  printTable(
    ['DIFFERENCE', 'TOPIC', 'EVENT', 'KEY', 'VERSION', 'WHERE'],
    differences
      .slice(0, SHOWN)
      .map(({ what, topic, id, key, version, where }) => [
        what,
        topic,
        printable(id),
        printable(key),
        version,
        where,
      ]),
  );
  if (differences.length > SHOWN)
    console.log(`… and ${differences.length - SHOWN} more; --json has them all`);
}
