import { formatAge, formatTable, printable } from '../cli/output.js';
import type { Verdict } from './judge-way.js';
import type { OrderWay } from './order-way.js';
import { stepsOf } from './way-steps.js';

const MARKS = { done: '✔', waiting: '…', failed: '✖' } as const;

/** An order's way and what keeps it, as text for a person. */
export function showWay(way: OrderWay, verdict: Verdict, now: number): string {
  const steps = stepsOf(way);
  const begin = steps.find(({ at }) => at !== null)?.at ?? now;
  const traces = [...new Set(way.events.flatMap(({ traceId }) => traceId ?? []))];
  const rows = steps.map(({ at, where, what, state }) => [
    MARKS[state],
    at === null ? null : clock(at),
    at === null ? null : `+${at - begin < 0 ? 0 : Math.round(at - begin)} ms`,
    where,
    printable(what),
  ]);
  return [
    `order ${way.orderId}, placed ${new Date(begin).toISOString()}, ${formatAge((now - begin) / 1000)} ago`,
    ...(traces.length > 0 ? [`trace ${traces.join(', ')}`] : []),
    '',
    formatTable(['', 'UTC', 'AFTER', 'WHERE', 'WHAT'], rows),
    '',
    ...way.problems.map((problem) => `not asked: ${problem}`),
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
