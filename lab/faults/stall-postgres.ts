import { randomUUID } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Ask, Stall } from './evidence.ts';
import type { Times } from './inflict.ts';
import type { Lab } from './lab.ts';
import { askOnce } from './load.ts';
import { pidOf, processesOf, signalAll } from './parts.ts';
import { type Service, services } from './plan.ts';

const ORDERS_A_SECOND = 100;
const PROBE_EVERY_MS = 250;
/** A service that has not answered by then is taken for frozen for good, ms. */
const FROZEN_AFTER_MS = 120_000;

/** Stops every process of Postgres under a load of its own, and looks at what the services make of it. */
export async function stallPostgres(lab: Lab, lasts: number): Promise<Times & { stall: Stall }> {
  for (const service of services) await lab.stack.ready(service);
  const processes = processesOf(await pidOf(lab.stack, 'postgres'));
  const before = logSizes(lab);
  const over = new AbortController();
  const probes = Promise.all(services.map((service) => slowestAnswer(lab, service, over.signal)));
  const asks: Ask[] = [];
  const underWay: Promise<string>[] = [];
  const from = Date.now();
  let to = from;
  signalAll(processes, 'SIGSTOP');
  try {
    for (let number = 0; Date.now() < from + lasts; number++) {
      const due = from + (number * 1000) / ORDERS_A_SECOND;
      if (due > Date.now()) await delay(due - Date.now());
      const ask = draw(number);
      asks.push(ask);
      underWay.push(askOnce(`http://127.0.0.1:${lab.env['ORDER_PORT']}`, ask));
    }
  } finally {
    signalAll(processes, 'SIGCONT');
    to = Date.now();
    // What froze them may only begin with the errors that they log now.
    await Promise.all(underWay);
    over.abort();
  }
  const slowest = await probes;
  const after = logSizes(lab);
  const stall = {
    asks,
    slowest: byService((service) => slowest[services.indexOf(service)] ?? FROZEN_AFTER_MS),
    logged: byService((service) => after[service] - before[service]),
  };
  return { from, to, stall };
}

/** An order that goes well. */
function draw(number: number): Ask {
  const items = [{ sku: number % 2 === 0 ? 'BOOK-1' : 'BOOK-2', quantity: 1, unitPrice: 100 + number }];
  const key = `stall-${randomUUID()}`;
  return { key, customerId: `stall-${number}`, currency: 'EUR', items, tries: [], ids: [] };
}

async function slowestAnswer({ env }: Lab, service: Service, over: AbortSignal): Promise<number> {
  const url = `http://127.0.0.1:${env[`${service.toUpperCase()}_PORT`]}/health/live`;
  let slowest = 0;
  do {
    slowest = Math.max(slowest, await answerOf(url));
    await delay(PROBE_EVERY_MS);
  } while (!over.aborted);
  return slowest;
}

/** How long an answer takes, ms. */
async function answerOf(url: string): Promise<number> {
  const begun = performance.now();
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(FROZEN_AFTER_MS) });
    await answer.text();
    return answer.ok ? performance.now() - begun : FROZEN_AFTER_MS;
  } catch (error) {
    // Refused or reset: no answer is the finding.
    if (error instanceof Error) return FROZEN_AFTER_MS;
    throw error;
  }
}

function logSizes({ stack }: Lab): Record<Service, number> {
  return byService((service) => statSync(join(stack.dataDir, 'logs', `${service}.log`)).size);
}

function byService(of: (service: Service) => number): Record<Service, number> {
  return {
    order: of('order'),
    payment: of('payment'),
    inventory: of('inventory'),
    notification: of('notification'),
  };
}
