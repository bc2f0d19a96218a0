import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Ask, Item } from './evidence.ts';
import { between, pick, type Random, random } from './random.ts';

/** Orders under way at most: a server that hangs must not pile up sockets without end. */
const AT_ONCE = 64;
/** How long an answer may take before the client gives up on it and asks again, ms. */
const TIMEOUT_MS = 10_000;
const RETRY_AFTER = 500;

/**
 * Places orders at a steady rate, whatever the answers are: a request without an answer, or with a 5xx, is made again
 * with the same idempotency key, as a good client does. One order in ten is cancelled right away.
 *
 * @param giveUp ends the retries; what was not answered by then stays unknown
 * @returns the journal, filled while the load runs; `done` settles when every order has its answer
 */
export function startLoad(options: {
  url: string;
  seed: number;
  orders: number;
  /** Orders a second. */
  rate: number;
  giveUp: AbortSignal;
}): { asks: readonly Ask[]; done: Promise<void> } {
  const { url, seed, orders, rate, giveUp } = options;
  const next = random(seed);
  const asks: Ask[] = [];
  const underWay = new Set<Promise<void>>();
  const done = (async () => {
    const begun = Date.now();
    for (let number = 0; number < orders && !giveUp.aborted; number++) {
      const due = begun + (number * 1000) / rate;
      if (due > Date.now()) await delay(due - Date.now());
      if (underWay.size >= AT_ONCE) await Promise.race(underWay);
      const ask = draw(next, seed, number);
      asks.push(ask);
      const cancels = next() < 0.1;
      const one = place(url, ask, cancels, giveUp).finally(() => underWay.delete(one));
      underWay.add(one);
    }
    await Promise.all(underWay);
  })();
  return { asks, done };
}

/** Mostly orders that go well, and some of each kind that does not. */
function draw(next: Random, seed: number, number: number): Ask {
  const point = next();
  const sku =
    point < 0.04
      ? 'SOLD-OUT'
      : point < 0.06
        ? 'LAMP-1'
        : point < 0.08
          ? 'UNKNOWN'
          : pick(next, ['BOOK-1', 'BOOK-2']);
  const customerId = next() < 0.08 ? 'mallory' : `customer-${between(next, 1, 500)}`;
  const items: Item[] = [
    { sku, quantity: between(next, 1, 3), unitPrice: between(next, 1, 5_000) },
    { sku: pick(next, ['MUG-1', 'PEN-1']), quantity: 1, unitPrice: between(next, 1, 999) },
  ];
  return { key: `${seed}-${number}-${randomUUID()}`, customerId, currency: 'EUR', items, tries: [], ids: [] };
}

/** Asks for an order, and notes what comes back. */
export async function askOnce(url: string, ask: Ask): Promise<string> {
  const { key, customerId, currency, items } = ask;
  const at = Date.now();
  const { answer, id } = await request(`${url}/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': key },
    body: JSON.stringify({ customerId, currency, items }),
  });
  ask.tries.push({ at, answer });
  if (id !== undefined) ask.ids.push(id);
  return answer;
}

async function place(url: string, ask: Ask, cancels: boolean, giveUp: AbortSignal): Promise<void> {
  for (;;) {
    const answer = await askOnce(url, ask);
    if (answer === '201') break;
    if (answer.startsWith('4') || giveUp.aborted) return;
    await delay(RETRY_AFTER);
  }
  const [id] = ask.ids;
  if (cancels) {
    const cancel = { at: Date.now(), answer: '' };
    ask.cancel = cancel;
    // Asked once: what came of a request without an answer is unknown, and either outcome is right.
    cancel.answer = (await request(`${url}/orders/${id}/cancel`, { method: 'POST' })).answer;
  }
}

async function request(url: string, init: RequestInit): Promise<{ answer: string; id?: string }> {
  try {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) });
    const text = await response.text();
    if (response.status !== 201) return { answer: String(response.status) };
    const { id } = JSON.parse(text) as { id: string };
    return { answer: '201', id };
  } catch (error) {
    return { answer: error instanceof Error ? `none: ${error.name}` : 'none' };
  }
}
