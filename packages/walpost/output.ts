/** Prints rows under headings, each column as wide as its widest cell. */
export function printTable(headings: readonly string[], rows: readonly (readonly unknown[])[]): void {
  console.log(formatTable(headings, rows));
}

/** The text of a table, without a line break at its end. */
export function formatTable(headings: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const lines = [headings, ...rows].map((row) => row.map((cell) => String(cell ?? '-')));
  const widths = headings.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map((line) => line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '))
    .map((line) => line.trimEnd())
    .join('\n');
}

/** Prints a value for other programs. */
export function printJson(value: unknown): void {
  console.log(JSON.stringify(value, null, 2));
}

/** Text from outside as one can safely show it: control and direction characters written out, e.g. `\u{1b}`. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, (each) => `\\u{${each.codePointAt(0)?.toString(16)}}`);
}

/** The first line of a text, printable and not longer than `length`. */
export function oneLine(text: string, length: number): string {
  const line = printable(text.split('\n', 1)[0] ?? '');
  return line.length > length ? `${line.slice(0, length - 1)}…` : line;
}

const UNITS = [
  [86_400, 'd'],
  [3_600, 'h'],
  [60, 'min'],
] as const;

/** A duration in seconds, rounded down to its largest unit: `3 h`. */
export function formatAge(seconds: number): string {
  const [size, unit] = UNITS.find(([size]) => seconds >= size) ?? [1, 's'];
  return `${Math.max(0, Math.floor(seconds / size))} ${unit}`;
}

/** `2.4 kB`; null when it is not known. */
export function formatBytes(count: number | null): string | null {
  if (count === null) return null;
  if (count < 1000) return `${count} B`;
  const [size, unit] = count < 1e6 ? [1e3, 'kB'] : count < 1e9 ? [1e6, 'MB'] : [1e9, 'GB'];
  return `${(count / size).toFixed(1)} ${unit}`;
}
