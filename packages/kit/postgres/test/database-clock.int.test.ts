import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventually } from 'walpost/testing/support';
import { openTestDatabase, type TestDatabase } from '../../../../tests/stack/database.ts';
import { createLogger } from '../../telemetry/logger.ts';
import { type DatabaseClock, followDatabaseClock } from '../database-clock.ts';

const HOUR = 3_600_000;

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase('notifications');
});
afterAll(() => database?.close());

test('a clock that is an hour off is set right, and one that agrees is left alone', async () => {
  const logger = createLogger('test', 'fatal');
  let wrong = HOUR;
  const clock: DatabaseClock = followDatabaseClock(database.db, logger, () => Date.now() + wrong);
  try {
    await eventually(async () => (Math.abs(clock.now().getTime() - Date.now()) < 2_000 ? true : undefined));
    wrong = -HOUR;
    await clock.compare();
    expect(Math.abs(clock.now().getTime() - Date.now())).toBeLessThan(2_000);
    wrong = 300;
    await clock.compare();
    const [before, now, after] = [Date.now(), clock.now().getTime(), Date.now()];
    expect(now).toBeGreaterThanOrEqual(before + 300);
    expect(now).toBeLessThanOrEqual(after + 300);
  } finally {
    await clock.close();
  }
});

test('an answer that took long says nothing about the clock', async () => {
  let readings: number[] = [];
  const local = () => Date.now() + (readings.shift() ?? 0);
  const clock = followDatabaseClock(database.db, createLogger('test', 'fatal'), local);
  try {
    await clock.compare();
    // Asked now, answered 20 s later.
    readings = [0, 20_000];
    await clock.compare();
    expect(readings).toEqual([]);
    expect(Math.abs(clock.now().getTime() - Date.now())).toBeLessThan(2_000);
  } finally {
    await clock.close();
  }
});
