import { InvalidArgumentError, Option } from 'commander';

/** `--wait SECONDS`: how long a server may take to appear. */
export function waitOption(): Option {
  return new Option('--wait <seconds>', 'how long to wait for a server that is not there yet')
    .argParser(seconds)
    .default(30);
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

function seconds(text: string): number {
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || value > 86_400)
    throw new InvalidArgumentError('Give seconds, 0 to 86400.');
  return value;
}
