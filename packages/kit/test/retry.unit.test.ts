import { getEventListeners } from 'node:events';
import { expect, jest, test } from '@jest/globals';
import { backoff, pause, retry, untilDone } from '../retry.ts';

test('waits double up to the limit, and jitter takes at most half', () => {
  expect([1, 2, 3, 4].map((attempt) => backoff(attempt, 1, 100, 500))).toEqual([100, 200, 400, 500]);
  expect([1, 2, 3, 4].map((attempt) => backoff(attempt, 0, 100, 500))).toEqual([50, 100, 200, 250]);
  expect(backoff(10_000, 1, 100, 500)).toBe(500);
});

test('tries until it works, and reports each failure with its number', async () => {
  const failures: [string, number][] = [];
  let calls = 0;
  const result = await untilDone(
    async () => {
      if (++calls < 3) throw new Error(`no ${calls}`);
      return 'yes';
    },
    new AbortController().signal,
    (error, attempt) => failures.push([(error as Error).message, attempt]),
  );
  expect(result).toBe('yes');
  expect(failures).toEqual([
    ['no 1', 1],
    ['no 2', 2],
  ]);
});

test.each([
  ['a failure that does not go away', { seconds: 60, retryable: () => false }, 1],
  ['no time', { seconds: 0, retryable: () => true, wait: () => 1 }, 1],
  [
    'a wait that is longer than the time left',
    { seconds: 1, retryable: () => true, wait: (n: number) => n * 400 },
    2,
  ],
])('tries no more after %s, and throws the last failure', async (_what, options, calls) => {
  const step = jest.fn(async () => {
    throw new Error(`no ${step.mock.calls.length}`);
  });
  await expect(retry(step, options)).rejects.toThrow(`no ${calls}`);
  expect(step).toHaveBeenCalledTimes(calls);
});

test('ends without an answer when it is told to stop, even in the middle of a wait', async () => {
  const stop = new AbortController();
  const step = jest.fn(async () => {
    throw new Error('never');
  });
  const result = await untilDone(step, stop.signal, () => setImmediate(() => stop.abort()));
  expect(result).toBeUndefined();
  expect(step).toHaveBeenCalledTimes(1);
});

test('what fails because it was told to stop is reported to nobody', async () => {
  const stop = new AbortController();
  const onFailure = jest.fn();
  const step = async () => {
    stop.abort();
    throw new Error('stopped');
  };
  expect(await untilDone(step, stop.signal, onFailure)).toBeUndefined();
  expect(onFailure).not.toHaveBeenCalled();
});

test.each<[string, (signal: AbortSignal) => Promise<unknown>]>([
  ['pause', (signal) => pause(1, signal)],
  [
    'untilDone',
    (signal) => {
      let calls = 0;
      const step = async () => {
        if (++calls < 2) throw new Error('not yet');
      };
      return untilDone(step, signal, () => undefined);
    },
  ],
])('%s leaves nothing behind on the signal that could have ended it', async (_name, wait) => {
  const { signal } = new AbortController();
  for (let turn = 0; turn < 20; turn++) await wait(signal);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});
