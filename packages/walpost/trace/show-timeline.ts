import type { Timeline } from '../observe/timeline.ts';
import { formatAge, formatTable, printable } from '../output.ts';
import type { Verdict } from './diagnose-timeline.ts';
import { stepsOf } from './timeline-steps.ts';

const MARKS = { done: '✔', waiting: '…', failed: '✖' } as const;

/** The timeline of a key and what keeps it, as text for a person. */
export function showTimeline(timeline: Timeline, verdict: Verdict, now: number): string {
  const steps = stepsOf(timeline);
  const begin = steps.find(({ at }) => at !== null)?.at ?? now;
  const traces = [...new Set(timeline.events.flatMap(({ traceId }) => traceId ?? []))];
  const rows = steps.map(({ at, where, what, state }) => [
    MARKS[state],
    at === null ? null : clock(at),
    at === null ? null : `+${at - begin < 0 ? 0 : Math.round(at - begin)} ms`,
    where,
    printable(what),
  ]);
  return [
    `key ${printable(timeline.key)}, first seen ${new Date(begin).toISOString()}, ${formatAge((now - begin) / 1000)} ago`,
    ...(traces.length > 0 ? [`trace ${traces.join(', ')}`] : []),
    '',
    formatTable(['', 'UTC', 'AFTER', 'WHERE', 'WHAT'], rows),
    '',
    ...timeline.problems.map((problem) => `not asked: ${problem}`),
    ...conclusion(verdict, now),
  ].join('\n');
}

function conclusion({ state, findings }: Verdict, now: number): string[] {
  if (state === 'finished') return ['finished: everything that is to happen has happened'];
  if (findings.length === 0) return ['moving: on its way'];
  return findings.flatMap(({ where, what, since, help }, at) => [
    `${at === 0 ? state : 'also'} at ${where} since ${clock(since)} (${formatAge((now - since) / 1000)}): ${printable(what)}`,
    ...help.map((command) => `  try: ${command}`),
  ]);
}

function clock(time: number): string {
  return new Date(time).toISOString().slice(11, 23);
}
