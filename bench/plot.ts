import { isDeepStrictEqual } from 'node:util';
import { figure } from './markdown.js';
import type { Result, Row } from './result.js';
import type { Summary } from './statistics.js';

interface Bar extends Summary {
  label: string;
  isSubject: boolean;
}

const WIDTH = 900;
const LABELS = 330;
const VALUES = 110;
const BAR = 18;
const HEAD = 26;
const GAP = 14;

/**
 * Draws a measurement as SVG: for each title and metric the subjects and their references as bars of their medians, with a
 * line from the least to the greatest sample.
 */
export function toSvg({ measurement, rows }: Result): string {
  const titleOf = ({ title, name, unit }: Row) => `${title}, ${name} (${unit})`;
  const titles = [...new Set(rows.map(titleOf))];
  const parts: string[] = [];
  let y = GAP;
  for (const title of titles) {
    parts.push(text(GAP, y + 14, title, 'font-weight="bold"'));
    y += HEAD;
    const bars = barsOf(rows.filter((row) => titleOf(row) === title));
    const greatest = Math.max(...bars.map(({ max }) => max));
    const scale = greatest > 0 ? (WIDTH - LABELS - VALUES) / greatest : 0;
    for (const bar of bars) {
      parts.push(...drawBar(bar, y, scale));
      y += BAR + 6;
    }
    y += GAP;
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" role="img" aria-label="${escapeXml(measurement)}" font-family="sans-serif" font-size="13">`,
    `<rect width="${WIDTH}" height="${y}" fill="#fff"/>`,
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

/** Each side once: several rows may share a subject or a reference. */
function barsOf(rows: readonly Row[]): Bar[] {
  const bars = rows.flatMap(({ subject, reference }): Bar[] => [
    { ...subject.summary, label: subject.label, isSubject: true },
    ...(reference ? [{ ...reference.summary, label: reference.label, isSubject: false }] : []),
  ]);
  return bars.filter((bar, at) => bars.findIndex((other) => isDeepStrictEqual(other, bar)) === at);
}

function drawBar({ label, median, min, max, isSubject }: Bar, y: number, scale: number): string[] {
  const middle = y + BAR / 2;
  const at = (value: number) => (LABELS + value * scale).toFixed(1);
  return [
    text(LABELS - 8, middle + 4, label, 'text-anchor="end"'),
    `<rect x="${LABELS}" y="${y}" width="${(median * scale).toFixed(1)}" height="${BAR}" fill="${isSubject ? '#1f6feb' : '#9aa4b2'}"/>`,
    `<path d="M${at(min)} ${middle}H${at(max)}M${at(min)} ${middle - 4}v8M${at(max)} ${middle - 4}v8" stroke="#111" fill="none"/>`,
    text(Number(at(max)) + 8, middle + 4, figure(median)),
  ];
}

function text(x: number, y: number, content: string, attributes = ''): string {
  return `<text x="${x}" y="${y}" fill="#111" ${attributes}>${escapeXml(content)}</text>`;
}

function escapeXml(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
