import { InvalidArgumentError, Option } from 'commander';
import { serviceNames } from './services.js';

/** `--wait SECONDS`: how long a server may take to appear, or what else `what` says. */
export function waitOption(
  fallback = 30,
  what = 'how long to wait for a server that is not there yet',
): Option {
  return new Option('--wait <seconds>', what).argParser(seconds).default(fallback);
}

/** `--timeout SECONDS`: how long a change may take to show. */
export function timeoutOption(): Option {
  return new Option('--timeout <seconds>', 'how long the connectors may take to get there')
    .argParser(seconds)
    .default(60);
}

/** `--json`: for other programs. */
export function jsonOption(): Option {
  return new Option('--json', 'print JSON instead of a table');
}

/** `--service NAME`: whose database. */
export function serviceOption(): Option {
  return new Option('--service <name>', 'whose dead letters').choices(serviceNames);
}

/** `--yes`: without it a command says what it would do, and does nothing. */
export function yesOption(): Option {
  return new Option('--yes', 'really do it; without it nothing is changed');
}

/** A whole number from `least` on, as the argument of an option or command. */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || !Number.isSafeInteger(value))
      throw new InvalidArgumentError(`Give a whole number from ${least} on.`);
    return value;
  };
}

function seconds(text: string): number {
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || value > 86_400)
    throw new InvalidArgumentError('Give seconds, 0 to 86400.');
  return value;
}
