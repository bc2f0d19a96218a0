import type { Evidence } from '../evidence.ts';
import { composed, refused } from './check-conduct.ts';
import { caused, noticed } from './check-dead-letters.ts';
import { emails, money, reservations, stock } from './check-effects.ts';
import { acknowledged, asked, cancelled, ended, overdue } from './check-orders.ts';
import {
  inOrder,
  once,
  published,
  readable,
  received,
  rooted,
  takenInOrder,
  versions,
} from './check-topics.ts';
import type { Check, Finding } from './finding.ts';

/** Every promise that is looked after. */
export const checks: readonly Check[] = [
  acknowledged,
  asked,
  ended,
  overdue,
  cancelled,
  money,
  reservations,
  stock,
  emails,
  versions,
  published,
  rooted,
  once,
  inOrder,
  readable,
  received,
  takenInOrder,
  caused,
  noticed,
  refused,
  composed,
];

/** Looks at the evidence. @returns what breaks each promise, by its name; an empty list for one that holds */
export function diagnose(evidence: Evidence): Map<string, Finding[]> {
  return new Map(checks.map(({ name, find }) => [name, find(evidence)]));
}
