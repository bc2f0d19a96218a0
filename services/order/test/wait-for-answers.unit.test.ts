import { expect, test } from '@jest/globals';
import { waitForAnswers } from '../wait-for-answers.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/** Looks once a minute for an hour while the clock does what it likes, and reports which orders became overdue when. */
function overdueAfter(clock: (minute: number) => number): number[] {
  let minute = 0;
  const placedBefore = waitForAnswers(5 * MINUTE, () => minute * MINUTE);
  // One order each minute, a second after the look, none of them answered.
  const waiting = new Map<number, number>();
  const took: number[] = [];
  for (; minute < 60; minute++) {
    const before = placedBefore(new Date(clock(minute)))?.getTime() ?? 0;
    for (const [placed, time] of waiting) {
      if (time >= before) continue;
      took.push(minute - placed);
      waiting.delete(placed);
    }
    waiting.set(minute, clock(minute) + 1_000);
  }
  return took;
}

const jumping =
  (by: number, from: number, to = Number.POSITIVE_INFINITY) =>
  (minute: number) =>
    100 * DAY + minute * MINUTE + (minute >= from && minute < to ? by : 0);

test.each([
  ['is right', jumping(0, 0), 6],
  ['jumps 15 days ahead', jumping(15 * DAY, 20), 6],
  ['is ahead for ten minutes', jumping(DAY, 20, 30), 60],
  ['is set back by half an hour', jumping(-30 * MINUTE, 20), 60],
  ['is set back by half an hour for ten minutes', jumping(-30 * MINUTE, 20, 30), 60],
])('while the database’s clock %s no order is overdue before its time', (_what, clock, atMost) => {
  const took = overdueAfter(clock);
  expect(took.length).toBeGreaterThan(10);
  expect(Math.min(...took)).toBeGreaterThanOrEqual(5);
  expect(Math.max(...took)).toBeLessThanOrEqual(atMost);
});

test('after a start nothing is overdue until answers had their time to be read', () => {
  let at = 0;
  const placedBefore = waitForAnswers(5 * MINUTE, () => at);
  const seen = [0, 1, 299, 300, 301].map((second) => {
    at = second * 1_000;
    return placedBefore(new Date(DAY + at))?.getTime();
  });
  expect(seen).toEqual([undefined, undefined, undefined, DAY, DAY + 1_000]);
});
