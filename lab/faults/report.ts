import { writeFileSync } from 'node:fs';
import type { Stall } from './evidence.ts';
import type { Outcome } from './experiment.ts';
import { growthOf } from './growth.ts';
import { type KindName, kindNames } from './plan.ts';
import { recoveries } from './recovery.ts';
import { timeline } from './timeline.ts';

/** Findings shown in full for each check; a file has them all. */
const SHOWN = 3;

/** What a run has shown, for a person: figures, recovery, and each broken promise with its time lines. */
export function report({ evidence, inflicted, samples, findings, troubles }: Outcome): string {
  const answered = evidence.asks.filter(({ ids }) => ids.length > 0).length;
  const events = Object.values(evidence.outbox).reduce((sum, rows) => sum + rows.length, 0);
  const records = Object.values(evidence.records).reduce((sum, rows) => sum + rows.length, 0);
  const lines = [
    `${inflicted.length} faults; ${evidence.asks.length} orders asked for, ${answered} answered 201, ${evidence.orders.length} there; ` +
      `${events} events, ${records} records, ${evidence.planted.length} of them planted`,
    '',
    ...recoveryTable(inflicted, evidence),
    '',
    ...growthTable(samples),
    '',
    ...evidence.stalls.flatMap((stall) => [stallLine(stall), '']),
  ];
  for (const [name, found] of findings) {
    lines.push(`${found.length === 0 ? '✔' : '✖'} ${name}${found.length > 0 ? `: ${found.length}` : ''}`);
    for (const { text, order } of found.slice(0, SHOWN)) {
      lines.push(`    ${order ? `order ${order}: ` : ''}${text}`);
      if (order) lines.push(...timeline(evidence, inflicted, order).map((line) => `      ${line}`));
    }
  }
  lines.push(...troubles.map((trouble) => `✖ ${trouble}`));
  return lines.join('\n');
}

/** A row for each kind of fault: how often, and the recovery of those that no other fault fell into. */
function recoveryTable(inflicted: Outcome['inflicted'], evidence: Outcome['evidence']): string[] {
  const measured = recoveries(inflicted, evidence);
  const name = (kind: KindName, target: string) =>
    `${kind} ${target.replace(/^(payment|inventory|notification|order)-outbox$/, 'outbox')}`;
  const rows = new Map<string, { alone: number[]; all: number[] }>();
  for (const { fault, took, alone } of measured) {
    if (took === undefined) continue;
    const key = name(fault.kind, fault.target);
    const row = rows.get(key) ?? { alone: [], all: [] };
    rows.set(key, row);
    row.all.push(took);
    if (alone) row.alone.push(took);
  }
  const order = [...rows.keys()].sort((a, b) => rank(a) - rank(b) || a.localeCompare(b));
  const cells = order.map((key) => {
    const { alone = [], all = [] } = rows.get(key) ?? {};
    return [key, String(all.length), span(alone), span(all)];
  });
  return formatTable(['FAULT', 'TIMES', 'RECOVERY ALONE, s', 'WITH OTHERS, s'], cells);
}

/** What the services made of a database that stalled. */
function stallLine({ asks, slowest, logged }: Stall): string {
  const answered = asks.filter(({ ids }) => ids.length > 0).length;
  const [slow, log] = [Object.values(slowest), Object.values(logged)];
  return (
    `postgres-stall: ${asks.length} orders asked for, ${answered} answered 201; /health/live took ` +
    `${Math.round(Math.max(...slow))} ms at most, the logs grew by ${log.reduce((sum, each) => sum + each, 0)} bytes`
  );
}

function growthTable(samples: Outcome['samples']): string[] {
  const cells = growthOf(samples).map(({ what, ...sizes }) => [
    what,
    ...[sizes.first, sizes.last, sizes.most].map((bytes) => (bytes / 2 ** 20).toFixed(0)),
  ]);
  return formatTable(['WHAT COULD GROW, MB', 'AT FIRST', 'AT THE END', 'AT MOST'], cells);
}

function rank(key: string): number {
  return kindNames.findIndex((kind) => key.startsWith(`${kind} `));
}

/** Median and, when there are several, the longest; seconds. */
function span(milliseconds: readonly number[]): string {
  const sorted = milliseconds.toSorted((a, b) => a - b).map((each) => each / 1000);
  const [middle, last] = [sorted[Math.floor(sorted.length / 2)], sorted.at(-1)];
  if (middle === undefined || last === undefined) return '-';
  return sorted.length === 1 ? last.toFixed(1) : `${middle.toFixed(1)}, at most ${last.toFixed(1)}`;
}

function formatTable(headings: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = headings.map((heading, at) =>
    Math.max(heading.length, ...rows.map((row) => (row[at] ?? '').length)),
  );
  return [headings, ...rows].map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

/** Writes everything that breaks a promise, with its time line, and what was measured, into a file. */
export function writeFindings(
  path: string,
  { evidence, inflicted, samples, findings, troubles }: Outcome,
): void {
  const all = [...findings].flatMap(([check, found]) =>
    found.map((each) => ({
      check,
      ...each,
      timeline: each.order ? timeline(evidence, inflicted, each.order) : [],
    })),
  );
  const written = {
    troubles,
    inflicted,
    recoveries: recoveries(inflicted, evidence),
    samples,
    findings: all,
  };
  writeFileSync(path, `${JSON.stringify(written, undefined, 2)}\n`);
}
