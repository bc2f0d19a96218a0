import { expect, jest, test } from '@jest/globals';
import { eventually } from 'walpost/testing/support';
import { createLogger } from '../../telemetry/logger.ts';
import { type Outcome, startWorker, type WorkerOptions } from '../worker.ts';

interface Row {
  id: number;
  attempts: number;
}
type Result = Outcome<Row, string>;

const logger = createLogger('test', 'silent');
const unavailable = () => Object.assign(new Error('connection refused'), { code: 'ECONNREFUSED' });

/** A queue in memory in place of the table: what is claimed leaves it, and failures come back at once. */
function harness(count: number, options: Partial<WorkerOptions<Row, string>> = {}) {
  const due: Row[] = Array.from({ length: count }, (_, id) => ({ id, attempts: 0 }));
  const recorded: Result[][] = [];
  const waiting: { enough: (all: Result[]) => boolean; resolve: (all: Result[]) => void }[] = [];
  const worker = startWorker<Row, string>({
    name: 'test',
    logger,
    claim: async (limit) => due.splice(0, limit).map((row) => ({ ...row, attempts: row.attempts + 1 })),
    perform: async (row) => `done ${row.id}`,
    recordOutcomes: async (outcomes) => {
      recorded.push(outcomes);
      for (const outcome of outcomes) if ('error' in outcome) due.push(outcome.item);
      const all = recorded.flat();
      for (const { enough, resolve } of waiting) if (enough(all)) resolve(all);
    },
    pollEvery: 20,
    ...options,
  });
  const recordedWhen = (enough: (all: Result[]) => boolean) =>
    new Promise<Result[]>((resolve) => {
      waiting.push({ enough, resolve });
      if (enough(recorded.flat())) resolve(recorded.flat());
    });
  return { worker, due, recorded, recordedWhen };
}

test('performs every due row and records its outcome once', async () => {
  const { worker, recordedWhen } = harness(100, { concurrency: 7 });
  const all = await recordedWhen((outcomes) => outcomes.length === 100);
  await worker.close();
  expect(all.map(({ item }) => item.id).sort((a, b) => a - b)).toEqual([...Array(100).keys()]);
});

test('a failed call is logged with the key that it was about, and with nothing else of the row', async () => {
  const lines: string[] = [];
  const { worker, recordedWhen } = harness(1, {
    logger: createLogger('test', 'warn', { write: (line) => lines.push(line) }),
    keyOf: ({ id }) => `parcel ${id}`,
    perform: async ({ attempts }) => {
      if (attempts === 1) throw unavailable();
      return 'done';
    },
  });
  await recordedWhen((outcomes) => outcomes.length === 2);
  await worker.close();
  expect(lines.map((line) => JSON.parse(line))).toEqual([expect.objectContaining({ key: 'parcel 0' })]);
  expect(Object.keys(JSON.parse(String(lines[0])))).not.toContain('id');
});

test('never has more calls under way than it may', async () => {
  let now = 0;
  let most = 0;
  const { worker, recordedWhen } = harness(50, {
    concurrency: 4,
    perform: async () => {
      most = Math.max(most, ++now);
      await new Promise((resolve) => setImmediate(resolve));
      now--;
      return '';
    },
  });
  await recordedWhen((outcomes) => outcomes.length === 50);
  await worker.close();
  expect(most).toBe(4);
});

/** A worker that never polls, and how many rows it asks for each time; calls end one after the other. */
function watched(count: number) {
  const limits: number[] = [];
  const due = Array.from({ length: count }, (_, id) => ({ id, attempts: 1 }));
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  let last: Promise<unknown> = Promise.resolve();
  const { worker, recordedWhen } = harness(0, {
    concurrency: 8,
    pollEvery: 60_000,
    claim: async (limit) => {
      limits.push(limit);
      return due.splice(0, limit);
    },
    perform: async () => {
      last = last.then(turn);
      await last;
      return '';
    },
  });
  const finish = async () => {
    await recordedWhen((outcomes) => outcomes.length === count);
    await turn();
    await worker.close();
    return limits;
  };
  return { finish };
}

test('does not ask again when it got fewer rows than it has slots', async () => {
  expect(await watched(1).finish()).toEqual([8]);
});

test('asks for several rows at a time when many wait', async () => {
  const limits = await watched(100).finish();
  expect(limits[0]).toBe(8);
  expect(Math.min(...limits)).toBeGreaterThanOrEqual(2);
});

test('a failed call is recorded with its error and a growing wait', async () => {
  const { worker, recordedWhen } = harness(1, {
    perform: async ({ attempts }) => {
      if (attempts < 4) throw new Error('gateway away');
      return 'at last';
    },
    retry: { first: 100, last: () => 300 },
  });
  const all = await recordedWhen((outcomes) => outcomes.some((outcome) => 'result' in outcome));
  await worker.close();
  const waits = all.map((outcome) => ('error' in outcome ? outcome.retryIn : undefined));
  expect(waits).toHaveLength(4);
  expect(waits[0]).toBeGreaterThanOrEqual(50);
  expect(waits[0]).toBeLessThan(100);
  expect(waits[2]).toBeGreaterThanOrEqual(150);
  expect(waits[2]).toBeLessThanOrEqual(300);
  expect(all[3]).toMatchObject({ result: 'at last', item: { attempts: 4 } });
});

test('a call that hangs is told to end, and given up after half the lease', async () => {
  let reported = false;
  const { worker, recordedWhen } = harness(1, {
    lease: 40,
    perform: ({ attempts }, signal) => {
      if (attempts > 1) return Promise.resolve('second');
      signal.addEventListener('abort', () => {
        reported = true;
      });
      return new Promise<never>(() => undefined);
    },
  });
  const all = await recordedWhen((outcomes) => outcomes.length === 2);
  await worker.close();
  expect(all[0]).toMatchObject({ error: { message: 'no answer within 20 ms' } });
  expect(all[1]).toMatchObject({ result: 'second' });
  expect(reported).toBe(true);
});

test('a call may outlast its lease for as long as that is renewed, and ends when it is not', async () => {
  let renewals = 0;
  const { worker, recordedWhen } = harness(1, {
    // Six renewals a lease; half of it must be longer than a busy machine lets a process stand.
    lease: 3_000,
    renew: async (items) => (++renewals <= 7 ? items : []),
    perform: ({ attempts }, signal) =>
      attempts > 1
        ? Promise.resolve('second')
        : new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => reject(signal.reason));
          }),
  });
  const [ended] = await recordedWhen((outcomes) => outcomes.length === 1);
  await worker.close();
  expect(renewals).toBe(8);
  expect(ended).toMatchObject({ error: { message: 'its lease ran out, and somebody else has it' } });
});

test('a row that somebody else holds does not end the calls about others', async () => {
  const { worker, recordedWhen } = harness(3, {
    lease: 1_500,
    renew: async (items) => {
      if (items.some(({ id }) => id === 0))
        throw Object.assign(new Error('locked'), { name: 'PostgresError', code: '55P03' });
      return items;
    },
    perform: ({ id }, signal) =>
      new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
        // Longer than a lease.
        if (id > 0) setTimeout(resolve, 1_600, `called ${id}`);
      }),
  });
  // The locked one comes again and again.
  const ofOthers = (all: Result[]) => all.filter(({ item }) => item.id > 0);
  const outcomes = await recordedWhen((all) => ofOthers(all).length === 2);
  await worker.close();
  expect(ofOthers(outcomes)).toMatchObject([{ result: 'called 1' }, { result: 'called 2' }]);
  expect(outcomes[0]).toMatchObject({ item: { id: 0 }, error: { message: 'no answer within 750 ms' } });
});

test('a lease that cannot be renewed ends the call before it runs out', async () => {
  const begun = performance.now();
  const { worker, recordedWhen } = harness(1, {
    lease: 600,
    renew: () => Promise.reject(unavailable()),
    perform: (_row, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () =>
          reject(Object.assign(new Error('aborted'), { name: 'AbortError' })),
        );
      }),
  });
  const [ended] = await recordedWhen((outcomes) => outcomes.length === 1);
  await worker.close();
  expect(ended).toMatchObject({ error: { message: 'no answer within 300 ms' } });
  expect(performance.now() - begun).toBeGreaterThan(290);
});

test('wake looks at once, without waiting for the poll', async () => {
  const { worker, due, recordedWhen } = harness(0, { pollEvery: 60_000 });
  await new Promise((resolve) => setImmediate(resolve));
  due.push({ id: 1, attempts: 0 });
  worker.wake();
  expect(await recordedWhen((outcomes) => outcomes.length === 1)).toHaveLength(1);
  await worker.close();
});

test('goes on after the database was away for claiming and for recording', async () => {
  const calls = { claim: 0, recordOutcomes: 0, perform: 0 };
  const rows: Row[] = [{ id: 1, attempts: 1 }];
  let done: (outcomes: Result[]) => void = () => undefined;
  const recorded = new Promise<Result[]>((resolve) => {
    done = resolve;
  });
  const { worker } = harness(0, {
    claim: async () => {
      if (++calls.claim < 3) throw unavailable();
      return rows.splice(0);
    },
    perform: async () => `done ${++calls.perform}`,
    recordOutcomes: async (outcomes) => {
      if (++calls.recordOutcomes < 3) throw unavailable();
      done(outcomes);
    },
  });
  expect(await recorded).toMatchObject([{ result: 'done 1' }]);
  expect(calls.recordOutcomes).toBe(3);
  await worker.close();
});

test('an outcome that cannot be written does not hold back the others', async () => {
  const written: number[] = [];
  const { worker } = harness(5, {
    recordOutcomes: async (outcomes) => {
      if (outcomes.some(({ item }) => item.id === 2)) throw new Error('contradiction');
      written.push(...outcomes.map(({ item }) => item.id));
    },
  });
  await new Promise((resolve) => setImmediate(resolve));
  await worker.close();
  expect(written.sort()).toEqual([0, 1, 3, 4]);
});

test('outcomes that cannot be written are tried for half a lease, and then their slots are free', async () => {
  let freed = false;
  let recordings = 0;
  const begun = performance.now();
  const { worker, due } = harness(1, {
    lease: 800,
    concurrency: 1,
    claim: async (limit) => {
      const rows = due.splice(0, limit).map((row) => ({ ...row, attempts: row.attempts + 1 }));
      freed ||= rows.some(({ id }) => id === 2);
      return rows;
    },
    recordOutcomes: async () => {
      if (++recordings === 1) due.push({ id: 2, attempts: 0 });
      throw unavailable();
    },
  });
  try {
    await eventually(async () => freed || undefined);
    expect(performance.now() - begun).toBeGreaterThanOrEqual(400);
  } finally {
    await worker.close();
  }
});

test('an orderly stop ends a call that takes too long, and writes that', async () => {
  let begin: () => void = () => undefined;
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
  try {
    const { worker, recorded } = harness(1, {
      lease: 60_000,
      perform: () => {
        begin();
        return new Promise<never>(() => undefined);
      },
    });
    await begun;
    const closing = worker.close();
    await jest.advanceTimersByTimeAsync(5_000);
    await closing;
    expect(recorded.flat()).toMatchObject([{ error: { message: 'the service stops' } }]);
  } finally {
    jest.useRealTimers();
  }
});

test('close waits until the outcome of what is under way is recorded, and claims no more', async () => {
  let finish: (value: string) => void = () => undefined;
  let begin: () => void = () => undefined;
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const { worker, recorded, due } = harness(2, {
    concurrency: 1,
    perform: () => {
      begin();
      return new Promise((resolve) => {
        finish = resolve;
      });
    },
  });
  await begun;
  const closing = worker.close();
  finish('late');
  await closing;
  expect(recorded.flat()).toMatchObject([{ result: 'late' }]);
  expect(due).toHaveLength(1);
});

test('a stop does not wait for outcomes that cannot be written', async () => {
  let tries = 0;
  const { worker } = harness(1, {
    lease: 3_600_000,
    recordOutcomes: async () => {
      tries += 1;
      throw unavailable();
    },
  });
  await eventually(async () => tries > 0 || undefined);
  // It would go on for half an hour otherwise.
  await worker.close();
  expect(tries).toBeGreaterThan(0);
});
