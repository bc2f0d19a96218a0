import { type Command, Option } from 'commander';
import { CliError, UsageError } from '../../cli-error.ts';
import type { Config } from '../../config.ts';
import { withKafka } from '../../kafka.ts';
import { openObserved } from '../../observe/open-observed.ts';
import { instant, seconds, waitOption, wholeNumber } from '../../options.ts';
import { type Audit, type AuditRange, auditOutboxes } from './audit-outbox.ts';

/** What says which time is meant. */
export interface RangeOptions {
  last: number;
  since?: Date;
  until?: Date;
  timeout: number;
  wait: number;
}

/** An event that was written a moment ago may still be under way, ms. */
const UNDER_WAY = 10_000;
/** Minutes. */
const TEN_YEARS = 5_256_000;

/** Adds the options of a time range to a command. */
export function rangeOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--last <minutes>', 'events of the last minutes')
        .argParser(wholeNumber(1, TEN_YEARS))
        .default(60),
    )
    .addOption(
      new Option('--since <time>', 'events from then on (ISO 8601 with a zone), instead of --last').argParser(
        instant,
      ),
    )
    .addOption(
      new Option('--until <time>', 'events up to then (default: 10 s ago, the rest is under way)').argParser(
        instant,
      ),
    )
    .addOption(
      new Option('--timeout <seconds>', 'how long reading a topic may take')
        .argParser(seconds(1))
        .default(60),
    )
    .addOption(waitOption(0, 'how long to wait for a Kafka that is not there yet'));
}

/** The range that the options mean. @throws UsageError when it is empty */
export function rangeOf({ last, since, until }: RangeOptions, now: number): AuditRange {
  const range = {
    since: since ?? new Date(now - last * 60_000),
    until: until ?? new Date(now - UNDER_WAY),
  };
  if (range.since >= range.until) throw new UsageError('--since is not before --until');
  return range;
}

/** Compares outboxes, topics and inboxes over a range, as the role `observer`. @throws CliError */
export async function audit(config: Config, range: AuditRange, options: RangeOptions): Promise<Audit> {
  const { system, servers, observerPassword: password } = config;
  if (password === undefined)
    throw new CliError('OBSERVER_PASSWORD is not set; it is the password of the role observer');
  const { observed, close } = openObserved({ system, servers, password, applicationName: 'walpost-cli' });
  try {
    return await withKafka(config, options.wait, (clients) =>
      auditOutboxes(clients, observed, range, options.timeout),
    );
  } finally {
    await close();
  }
}
