import type { Sample } from '@walpost/kit/config';
import type { LoadState } from './snapshot.ts';

/** Sends a service's sample request at a rate, so that there is something to see. */
export interface SampleLoad {
  /** @param perSecond 0 stops it */
  set(perSecond: number): void;
  state(): LoadState;
  close(): Promise<void>;
}

export const MAX_PER_SECOND = 50;
/** It ends by itself after this long, ms: nobody is to find a full disk the next morning. */
const LASTS = 300_000;
const TICK = 100;
/** So many requests may be unanswered; past that the rate is not kept. */
const UNDER_WAY = 100;
const ANSWER_WITHIN = 10_000;

/** @param url of the service that takes them */
export function createSampleLoad(url: string, sample: Sample): SampleLoad {
  let perSecond = 0;
  let owed = 0;
  let placed = 0;
  let failed = 0;
  let error: string | null = null;
  let endsAt: number | null = null;
  let timer: NodeJS.Timeout | undefined;
  const underWay = new Set<Promise<void>>();
  const giveUp = new AbortController();

  async function place(number: number): Promise<void> {
    try {
      const response = await fetch(`${url}${sample.path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(sample.body(number)),
        signal: AbortSignal.any([giveUp.signal, AbortSignal.timeout(ANSWER_WITHIN)]),
      });
      await response.arrayBuffer();
      if (!response.ok) throw new Error(`${sample.path} answered ${response.status}`);
      placed += 1;
    } catch (thrown) {
      failed += 1;
      const { message, cause } = thrown as Error & { cause?: { code?: string } };
      error = `${url}: ${cause?.code ?? message}`;
    }
  }

  function tick(): void {
    if (endsAt === null || Date.now() >= endsAt) {
      stop();
      return;
    }
    owed += (perSecond * TICK) / 1000;
    for (; owed >= 1; owed -= 1) {
      if (underWay.size >= UNDER_WAY) continue;
      const call = place(placed + failed + underWay.size).finally(() => underWay.delete(call));
      underWay.add(call);
    }
  }

  function stop(): void {
    clearInterval(timer);
    timer = undefined;
    perSecond = 0;
    owed = 0;
    endsAt = null;
  }

  return {
    set(rate) {
      stop();
      if (rate <= 0) return;
      perSecond = Math.min(rate, MAX_PER_SECOND);
      placed = 0;
      failed = 0;
      error = null;
      endsAt = Date.now() + LASTS;
      timer = setInterval(tick, TICK);
    },
    state: () => ({ perSecond, placed, failed, error, endsAt }),
    async close() {
      stop();
      // Nobody waits for what these requests come to, and a stop has no time for a service that does not answer.
      giveUp.abort();
      await Promise.all(underWay);
    },
  };
}
