import type { System } from '@walpost/kit/config';
import { InvalidArgumentError, Option } from 'commander';

/** `--wait SECONDS`: how long a server may take to appear, or what else `what` says. */
export function waitOption(
  fallback = 30,
  what = 'how long to wait for a server that is not there yet',
): Option {
  return new Option('--wait <seconds>', what).argParser(seconds()).default(fallback);
}

/** `--timeout SECONDS`: how long a change may take to show. */
export function timeoutOption(): Option {
  return new Option('--timeout <seconds>', 'how long the connectors may take to get there')
    .argParser(seconds())
    .default(60);
}

/** `--set SETTING=VALUE`, once for each setting: of a connector, in place of what its file says. */
export function setOption(): Option {
  return new Option('--set <setting=value>', 'in place of what the file says, until it is applied again')
    .argParser((text: string, before: Readonly<Record<string, string>>) => {
      const [, setting, value] = /^([^=\s]+)=(.*)$/.exec(text) ?? [];
      if (setting === undefined || value === undefined)
        throw new InvalidArgumentError('Give a setting and its value, such as poll.interval.ms=50.');
      return { ...before, [setting]: value };
    })
    .default({}, 'none');
}

/** `--json`: for other programs. */
export function jsonOption(): Option {
  return new Option('--json', 'print JSON instead of a table');
}

/** `--service NAME`: whose database. */
export function serviceOption({ services }: System): Option {
  return new Option('--service <name>', 'whose dead letters').choices(services.map(({ name }) => name));
}

/** `--yes`: without it a command says what it would do, and does nothing. */
export function yesOption(): Option {
  return new Option('--yes', 'really do it; without it nothing is changed');
}

/** What a command says that was called without `--yes`. */
export const DRY_RUN = 'dry run, nothing changed; re-run with --yes to apply';

/** The largest number of seconds that an option takes: a day. */
const DAY_SECONDS = 86_400;

/** A whole number from `least` to `most`, as the argument of an option or command. */
export function wholeNumber(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    const range = most === Number.MAX_SAFE_INTEGER ? `from ${least} on` : `from ${least} to ${most}`;
    throw new InvalidArgumentError(`Give a whole number ${range}.`);
  };
}

/** Seconds from `least` to a day, fractions too. */
export function seconds(least = 0): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+(\.\d+)?$/.test(text) && value >= least && value <= DAY_SECONDS) return value;
    throw new InvalidArgumentError(`Give seconds, ${least} to ${DAY_SECONDS}.`);
  };
}

/** How a time is to be written, for messages. */
export const INSTANT_EXAMPLE = '2026-01-31T12:00:00Z';

/** A moment, as the argument of an option. */
export function instant(text: string): Date {
  const time = parseInstant(text);
  if (time) return time;
  throw new InvalidArgumentError(
    `Give a date, a time and a zone, like ${INSTANT_EXAMPLE} or 2026-01-31T13:00:00+01:00.`,
  );
}

/**
 * Reads a moment as ISO 8601 writes it, date, time and zone. Without a zone it would be another moment on another
 * machine; what the calendar does not have, like 30 February, is nobody's moment.
 *
 * @returns undefined when it is none, or before 1970
 */
export function parseInstant(text: string): Date | undefined {
  const [, local, sign, hours, minutes] =
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)(?:Z|([+-])([01]\d):([0-5]\d))$/.exec(text) ?? [];
  const time = new Date(text);
  if (local === undefined || Number.isNaN(time.getTime()) || time.getTime() < 0) return undefined;
  const offset = (Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * (sign === '-' ? -1 : 1);
  // Date makes 2 March of 30 February: what it made is said in the zone that was given, and must be the same again.
  const said = new Date(time.getTime() + offset * 60_000).toISOString();
  return said.slice(0, 16) === local.slice(0, 16) ? time : undefined;
}
