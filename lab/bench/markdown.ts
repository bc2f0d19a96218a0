import type { Result, Row } from './result.ts';
import type { Summary } from './statistics.ts';

/** One table over all measurements: median, spread in brackets, and the ratio of the two. */
export function toMarkdown(results: readonly Result[]): string {
  const head = [
    '| measurement | | subject | reference | ratio | goal |',
    '| --- | --- | --- | --- | --- | --- |',
  ];
  const rows = results.flatMap(({ measurement, rows }) => rows.map((row) => tableRow(measurement, row)));
  const notes = results.flatMap(({ measurement, notes }) => notes.map((note) => `- ${measurement}: ${note}`));
  return [...head, ...rows, ...(notes.length > 0 ? ['', ...notes] : []), ''].join('\n');
}

function tableRow(measurement: string, { title, name, unit, subject, reference }: Row): string {
  const cells = [
    measurement,
    `${title}, ${name}`,
    `${subject.label}: ${spread(subject.summary)} ${unit}`,
    reference ? `${reference.label}: ${spread(reference.summary)} ${unit}` : '',
    reference ? spread(reference.ratio) : '',
    reference?.goal ?? '',
  ];
  return `| ${cells.join(' | ')} |`;
}

const spread = ({ median, min, max }: Summary) => `${figure(median)} (${figure(min)}–${figure(max)})`;

/** Three significant digits, and thousands apart. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const rounded = Number(value.toPrecision(3));
  return rounded.toLocaleString('en-US', { maximumFractionDigits: 4 });
}
