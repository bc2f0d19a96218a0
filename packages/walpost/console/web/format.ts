const UNITS = [
  [86_400, 'd'],
  [3_600, 'h'],
  [60, 'min'],
] as const;

/** A duration in milliseconds, rounded down to its largest unit: `3 h`. */
export function age(milliseconds: number): string {
  const seconds = Math.max(0, milliseconds / 1000);
  const [size, unit] = UNITS.find(([size]) => seconds >= size) ?? [1, 's'];
  return `${Math.floor(seconds / size)} ${unit}`;
}

/** `2.4 kB`. */
export function bytes(count: number | null): string {
  if (count === null) return 'unknown';
  if (count < 1000) return `${count} B`;
  const [size, unit] = count < 1e6 ? [1e3, 'kB'] : count < 1e9 ? [1e6, 'MB'] : [1e9, 'GB'];
  return `${(count / size).toFixed(1)} ${unit}`;
}

/** `12.5 events/s`, and an ellipsis until there are two readings. */
export function rate(perSecond: number | null, what: string): string {
  return `${perSecond === null ? '…' : perSecond.toFixed(perSecond < 100 ? 1 : 0)} ${what}/s`;
}

const number = new Intl.NumberFormat('en');

export function count(value: number): string {
  return number.format(value);
}

/** `5 members`, `1 member`. */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** Time of day as the reader's clock has it. */
export function clock(time: number, withMilliseconds = false): string {
  const text = new Date(time).toLocaleTimeString('en-GB');
  return withMilliseconds
    ? `${text}.${String(time % 1000)
        .slice(0, 3)
        .split('.')[0]
        ?.padStart(3, '0')}`
    : text;
}
