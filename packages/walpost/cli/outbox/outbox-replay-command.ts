import { Command } from 'commander';
import { sql } from 'drizzle-orm';
import { CliError } from '../../cli-error.ts';
import type { Config } from '../../config.ts';
import { yesOption } from '../../options.ts';
import { withDatabase } from '../../service-database.ts';
import type { AuditRange } from './audit-outbox.ts';
import { audit, type RangeOptions, rangeOf, rangeOptions } from './audit-range.ts';
import type { Difference } from './find-differences.ts';
import { printDifferences } from './outbox-audit-command.ts';

/** How many events one transaction publishes again. */
const AT_ONCE = 5_000;

/** `walpost outbox replay` */
export function outboxReplayCommand(config: () => Config): Command {
  const command = new Command('replay').description(
    'publish again what is missing on a topic or at a consumer; who has seen an event drops it',
  );
  return rangeOptions(command)
    .option(
      '--include-superseded',
      'also republish events whose consumer has already processed a later version of the same key',
    )
    .addOption(yesOption())
    .action(async (options: RangeOptions & { yes?: true; includeSuperseded?: true }) => {
      const settings = config();
      const range = rangeOf(options, Date.now());
      const { differences } = await audit(settings, range, options);
      const missing = firstOfEach(
        differences.filter(({ what }) => what === 'not on the topic' || what === 'not seen'),
      );
      const superseded = missing.filter(({ supersededAt }) => supersededAt.length > 0);
      const chosen = options.includeSuperseded
        ? missing
        : missing.filter((each) => !superseded.includes(each));
      const [hidden] = differences.filter(({ what }) => what === 'cannot be read yet');
      if (missing.length === 0 && !hidden)
        return console.log('nothing to publish again: topics and consumers have all events');
      if (!options.yes) {
        printDifferences(chosen);
        console.log('dry run, nothing published; re-run with --yes to apply');
      } else {
        const replayed = await replay(settings, chosen, range);
        console.log(
          `${replayed} events published again; \`walpost outbox audit\` shows when they have arrived`,
        );
      }
      const [first] = superseded;
      const leftOut = [
        ...(hidden
          ? [`what cannot be read yet is not published again, e.g. ${hidden.id}: ${hidden.where}`]
          : []),
        ...(first && chosen.length < missing.length
          ? [
              `${superseded.length} events left out, e.g. ${first.id}: ${first.supersededAt.join(', ')} has seen a later event of ${first.key}; --include-superseded publishes them all the same`,
            ]
          : []),
      ];
      if (leftOut.length > 0) throw new CliError(leftOut.join('\n  '));
    });
}

function firstOfEach(differences: readonly Difference[]): Difference[] {
  return [...new Map(differences.map((each) => [each.id, each])).values()];
}

/**
 * Has the relay publish events again, the versions of a key in their order.
 * @returns how many
 */
async function replay(config: Config, events: readonly Difference[], range: AuditRange): Promise<number> {
  let replayed = 0;
  for (const { name } of config.system.services) {
    // By version first: however they are cut into transactions, a key's events keep their order.
    const own = events
      .filter(({ publisher }) => publisher === name)
      .toSorted((a, b) => a.version - b.version);
    for (let from = 0; from < own.length; from += AT_ONCE)
      replayed += await publishAgain(config, name, own.slice(from, from + AT_ONCE), range);
  }
  return replayed;
}

async function publishAgain(
  config: Config,
  name: string,
  events: readonly Difference[],
  { since, until }: AuditRange,
): Promise<number> {
  return withDatabase(config, name, 0, async (db) => {
    const ids = sql.param(events.map(({ id }) => id));
    const [row] = await db.execute<{ replayed: number }>(sql`
      select outbox_replay(${ids}::uuid[], ${since.toISOString()}::timestamptz, ${until.toISOString()}::timestamptz)
        as replayed`);
    return row?.replayed ?? 0;
  });
}
