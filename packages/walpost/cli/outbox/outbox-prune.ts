import { dropPartitions } from '@walpost/kit/outbox/outbox-maintenance';
import { CliError } from '../../cli-error.ts';
import type { Config } from '../../config.ts';
import { readDailyPartitions } from '../../observe/read-outbox.ts';
import { DRY_RUN } from '../../options.ts';
import { withDatabase } from '../../service-database.ts';
import { untilDecided } from '../../wait.ts';

const DAY = 86_400_000;

export interface PruneOptions {
  /** Days that are kept whatever was confirmed. */
  readonly keepDays: number | undefined;
  readonly yes: boolean;
  /** How long to wait until the slots have confirmed the partitions, s. */
  readonly wait: number;
}

/**
 * Drops the daily partitions of each outbox that are older than is kept and that every slot has confirmed: what the
 * services do once an hour, now.
 * @throws CliError when a database is away, or a slot keeps partitions that could go
 */
export async function pruneOutboxes(config: Config, { keepDays, yes, wait }: PruneOptions): Promise<void> {
  const keep = keepDays ?? config.outboxRetentionDays;
  const held: string[] = [];
  for (const { name } of config.system.services.filter(({ publishes }) => publishes)) {
    await withDatabase(config, name, wait, async (db) => {
      const old = (await readDailyPartitions(db)).filter(
        (day) => Date.parse(day) + DAY <= Date.now() - keep * DAY,
      );
      if (old.length === 0) console.log(`${name}: no daily partition ended more than ${keep} days ago`);
      else if (!yes)
        console.log(`${name}: would drop ${old.join(' ')}, as far as every slot has confirmed them`);
      else {
        // A slot has to move on between two looks, which it does with each heartbeat.
        const dropped = await untilDecided(async () => (await dropPartitions(db, keep)) || undefined, wait);
        console.log(`${name}: ${dropped ?? 0} of ${old.length} daily partitions dropped`);
        if ((dropped ?? 0) < old.length) held.push(name);
      }
    });
  }
  if (!yes) console.log(DRY_RUN);
  if (held.length > 0) {
    throw new CliError(
      `${held.join(', ')}: daily partitions are kept that a slot has not confirmed (\`walpost outbox status\` shows the slots), or that fewer than ${keep} days of service followed`,
    );
  }
}
