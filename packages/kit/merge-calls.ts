import { BusyError } from './errors.ts';

export interface MergeOptions<In, Out> {
  /** Does the work of several calls. @returns the answer of each, in their order */
  work: (calls: In[]) => Promise<Out[]>;
  /** How many runs of the work go side by side. */
  maxConcurrency: number;
  /** The most calls in one run. */
  maxBatchSize: number;
  /** The most calls that have no answer yet: one more is refused with BusyError. No limit when not given. */
  mostOpen?: number;
  /** A run that takes longer, ms, holds up only its own calls: others go on beside it. */
  slowAfterMs: number;
  /** Whether calls that failed together may be tried one by one: nothing of them was done. */
  mayTryAlone: (error: unknown) => boolean;
  /** Whether nobody waits for a call any more: one that no run has taken yet is dropped, and its promise never settles. */
  isAbandoned?: (call: In) => boolean;
}

interface Waiting<In, Out> {
  call: In;
  resolve: (answer: Out) => void;
  reject: (error: unknown) => void;
}

/**
 * Merges calls that come while earlier ones are worked on: a call that comes alone is done at once, and under load each
 * run takes along everything that waits. One that fails does not fail the others: they are tried again, each alone.
 */
export function mergeCalls<In, Out>(options: MergeOptions<In, Out>): (call: In) => Promise<Out> {
  const { work, maxConcurrency, maxBatchSize, slowAfterMs, mayTryAlone } = options;
  const { mostOpen = Number.POSITIVE_INFINITY, isAbandoned = () => false } = options;
  let waiting: Waiting<In, Out>[] = [];
  /** Calls that a run has taken and not ended. */
  let working = 0;
  let running = 0;
  let isPlanned = false;

  // Once for all requests that the event loop has read together.
  function plan(): void {
    if (isPlanned || running >= maxConcurrency) return;
    isPlanned = true;
    setImmediate(() => {
      isPlanned = false;
      waiting = stillAwaited();
      while (waiting.length > 0 && running < maxConcurrency)
        void runTogether(waiting.splice(0, maxBatchSize));
    });
  }

  const stillAwaited = () => waiting.filter(({ call }) => !isAbandoned(call));

  async function runTogether(batch: Waiting<In, Out>[]): Promise<void> {
    running += 1;
    working += batch.length;
    let holdsPlace = true;
    const leavePlace = () => {
      if (!holdsPlace) return;
      holdsPlace = false;
      running -= 1;
      plan();
    };
    const timer = setTimeout(leavePlace, slowAfterMs);
    try {
      await answer(batch);
    } catch (error) {
      if (batch.length > 1 && mayTryAlone(error)) await Promise.all(batch.map((one) => runAlone(one)));
      else for (const { reject } of batch) reject(error);
    } finally {
      clearTimeout(timer);
      working -= batch.length;
      leavePlace();
    }
  }

  async function runAlone(one: Waiting<In, Out>): Promise<void> {
    try {
      await answer([one]);
    } catch (error) {
      one.reject(error);
    }
  }

  async function answer(batch: Waiting<In, Out>[]): Promise<void> {
    const answers = await work(batch.map(({ call }) => call));
    for (const [at, { resolve }] of batch.entries()) resolve(answers[at] as Out);
  }

  return (call) =>
    new Promise((resolve, reject) => {
      if (waiting.length + working >= mostOpen) waiting = stillAwaited();
      if (waiting.length + working >= mostOpen) {
        reject(new BusyError('Too much is waiting to be written. Try again.'));
        return;
      }
      waiting.push({ call, resolve, reject });
      plan();
    });
}
