import { expect, jest, test } from '@jest/globals';
import { every } from '../schedule.ts';
import type { Logger } from '../telemetry/logger.ts';

test.each([
  [5_000, 5],
  [60_000, 60],
  [3_600_000, 60],
])('what is done every %i ms and fails is tried again after %i s', async (milliseconds, seconds) => {
  const warn = jest.fn();
  const failed = new Error('somebody has the lock');
  const stop = every(milliseconds, 'tidy up', { warn } as unknown as Logger, async () => {
    throw failed;
  });
  await stop();
  expect(warn.mock.calls).toEqual([[{ err: failed }, `could not tidy up, trying again in ${seconds} s`]]);
});
