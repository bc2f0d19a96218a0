import { expect, test } from '@jest/globals';
import { mergeCalls } from '../merge-calls.ts';

/** Work that ends when the test says so. */
function controlled({
  maxConcurrency = 1,
  maxBatchSize = 100,
  mostOpen = 1_000,
  slowAfterMs = 60_000,
  mayTryAlone = true,
} = {}) {
  const abandoned = new Set<number>();
  const runs: { calls: number[]; finish: () => void; fail: (error: Error) => void }[] = [];
  const call = mergeCalls({
    work: (calls: number[]) =>
      new Promise<string[]>((resolve, reject) => {
        runs.push({ calls, finish: () => resolve(calls.map((each) => `answer ${each}`)), fail: reject });
      }),
    maxConcurrency,
    maxBatchSize,
    mostOpen,
    slowAfterMs,
    mayTryAlone: () => mayTryAlone,
    isAbandoned: (each) => abandoned.has(each),
  });
  return { call, runs, abandoned, batches: () => runs.map(({ calls }) => calls) };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('calls of one turn go together, later ones when a run has ended, each with its own answer', async () => {
  const { call, runs, batches } = controlled();
  const first = [call(1), call(2)];
  await turn();
  const second = [call(3), call(4), call(5)];
  await turn();
  expect(batches()).toEqual([[1, 2]]);
  runs[0]?.finish();
  expect(await Promise.all(first)).toEqual(['answer 1', 'answer 2']);
  await turn();
  expect(batches()).toEqual([
    [1, 2],
    [3, 4, 5],
  ]);
  runs[1]?.finish();
  expect(await Promise.all(second)).toEqual(['answer 3', 'answer 4', 'answer 5']);
});

test('no run is larger than it may be, and no more run side by side', async () => {
  const { call, runs, batches } = controlled({ maxConcurrency: 2, maxBatchSize: 2 });
  const answers = [1, 2, 3, 4, 5].map((each) => call(each));
  await turn();
  expect(batches()).toEqual([
    [1, 2],
    [3, 4],
  ]);
  runs[1]?.finish();
  await answers[2];
  await turn();
  await turn();
  expect(batches()).toEqual([[1, 2], [3, 4], [5]]);
  runs[0]?.finish();
  runs[2]?.finish();
  expect(await Promise.all(answers)).toHaveLength(5);
});

test('of calls that failed together each is tried alone, and only the one at fault fails', async () => {
  const { call, runs, batches } = controlled();
  const answers = Promise.allSettled([1, 2, 3].map((each) => call(each)));
  await turn();
  runs[0]?.fail(new Error('together'));
  await turn();
  expect(batches()).toEqual([[1, 2, 3], [1], [2], [3]]);
  for (const run of runs.slice(1)) {
    if (run.calls[0] === 2) run.fail(new Error('mine'));
    else run.finish();
  }
  expect(
    (await answers).map((each) => (each.status === 'fulfilled' ? each.value : each.reason.message)),
  ).toEqual(['answer 1', 'mine', 'answer 3']);
});

test('an error after which nothing may be tried again is the answer to all, and the next call is worked on', async () => {
  const { call, runs } = controlled({ mayTryAlone: false });
  const answers = Promise.allSettled([call(1), call(2)]);
  await turn();
  runs[0]?.fail(new Error('gone'));
  expect((await answers).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  const next = call(3);
  await turn();
  runs[1]?.finish();
  expect(await next).toBe('answer 3');
});

test('a run that does not end holds up its own calls and no others', async () => {
  const { call, runs } = controlled({ slowAfterMs: 20 });
  const first = call(1);
  await turn();
  const second = call(2);
  while (runs.length < 2) await turn();
  runs[1]?.finish();
  expect(await second).toBe('answer 2');
  runs[0]?.finish();
  expect(await first).toBe('answer 1');
});

test('a run that has left its place does not leave it again when it ends', async () => {
  const { call, runs } = controlled({ slowAfterMs: 300 });
  const first = call(1);
  await turn();
  const second = call(2);
  while (runs.length < 2) await turn();
  runs[0]?.finish();
  expect(await first).toBe('answer 1');
  const third = call(3);
  await turn();
  await turn();
  expect(runs).toHaveLength(2);
  runs[1]?.finish();
  expect(await second).toBe('answer 2');
  while (runs.length < 3) await turn();
  runs[2]?.finish();
  expect(await third).toBe('answer 3');
});

test('past the bound a call is refused at once, and taken again when one has ended', async () => {
  const { call, runs } = controlled({ mostOpen: 2 });
  const first = call(1);
  await turn();
  const second = call(2);
  await expect(call(3)).rejects.toMatchObject({ code: 'busy' });
  runs[0]?.finish();
  await first;
  while (runs.length < 2) await turn();
  const fourth = call(4);
  await expect(call(5)).rejects.toMatchObject({ code: 'busy' });
  runs[1]?.finish();
  await second;
  while (runs.length < 3) await turn();
  runs[2]?.finish();
  expect(await fourth).toBe('answer 4');
});

test('runs that do not end count for the bound, though others go on beside them', async () => {
  const { call, runs } = controlled({ mostOpen: 2, slowAfterMs: 1 });
  void call(1);
  await turn();
  void call(2);
  while (runs.length < 2) await turn();
  await expect(call(3)).rejects.toMatchObject({ code: 'busy' });
});

test('a call that nobody waits for any more is not worked on, and makes room', async () => {
  const { call, runs, abandoned, batches } = controlled({ mostOpen: 3 });
  const first = call(1);
  await turn();
  void call(2);
  const third = call(3);
  abandoned.add(2);
  const fourth = call(4);
  await expect(call(5)).rejects.toMatchObject({ code: 'busy' });
  abandoned.add(1);
  runs[0]?.finish();
  expect(await first).toBe('answer 1');
  while (runs.length < 2) await turn();
  expect(batches()).toEqual([[1], [3, 4]]);
  runs[1]?.finish();
  expect(await Promise.all([third, fourth])).toEqual(['answer 3', 'answer 4']);
});
