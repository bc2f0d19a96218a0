import { setTimeout as delay } from 'node:timers/promises';
import type postgres from 'postgres';
import { v7 as uuidv7 } from 'uuid';
import { paceOrders, placeOrders } from './http-load.ts';
import { BenchError } from './measurement.ts';
import { percentile } from './statistics.ts';

const CONNECTIONS = 64;
const CONFIRMED_WITHIN = 90_000;

/** How late an order is. */
export const FLOW_METRICS = (['handler p50', 'handler p99', 'CONFIRMED p50', 'CONFIRMED p99'] as const).map(
  (name) => ({ name, unit: 'ms', better: 'less' }) as const,
);

/** Where orders are placed, and the databases in which their timelines are read. */
export interface OrderFlow {
  url: string;
  orders: postgres.Sql;
  payments: postgres.Sql;
}

/** Orders a second that the whole system carries, from the first decided to the last confirmed. */
export async function highestRate({ url, orders }: OrderFlow, seconds: number): Promise<number> {
  const first = idFromNow();
  await placeOrders(url, CONNECTIONS, seconds);
  await allConfirmed(orders, first);
  const [row] = await orders<{ rate: number }[]>`
    select (count(*) filter (where aggregateversion = 1) /
      extract(epoch from max(created_at) - min(created_at)))::float8 as rate
    from outbox where aggregateid >= ${first}`;
  return row?.rate ?? Number.NaN;
}

/**
 * Places orders at a rate. Latencies begin when the order service has decided the order, so its own commit is in them;
 * the handler's is when its transaction begins, that of CONFIRMED when the service has decided it. HTTP is the answer.
 *
 * @param rate orders a second
 * @returns ms
 * @throws {BenchError} an order was cancelled, or is not confirmed after 90 s
 */
export async function followOrders(
  { url, orders, payments }: OrderFlow,
  rate: number,
  seconds: number,
): Promise<Record<(typeof FLOW_METRICS)[number]['name'] | 'HTTP p50' | 'HTTP p99', number>> {
  const first = idFromNow();
  const from = new Date();
  const answers = await paceOrders(url, rate, seconds);
  await allConfirmed(orders, first);
  const events = await orders<{ key: string; version: number; at: number }[]>`
    select aggregateid as key, aggregateversion as version, extract(epoch from created_at)::float8 * 1000 as at
    from outbox where aggregateid >= ${first}`;
  const placed = new Map(events.flatMap(({ key, version, at }) => (version === 1 ? [[key, at]] : [])));
  const confirmed = events.flatMap(({ key, version, at }) =>
    version === 2 ? at - (placed.get(key) ?? 0) : [],
  );
  const received = await payments<{ key: string; at: number }[]>`
    select key, extract(epoch from received_at)::float8 * 1000 as at from inbox
    where received_at >= ${from} and topic = 'order-events' and version = 1`;
  const handled = received
    .flatMap(({ key, at }) => at - (placed.get(key) ?? Number.NaN))
    .filter(Number.isFinite);
  if (handled.length < placed.size || confirmed.length < placed.size)
    throw new BenchError('an order is missing');
  const [p50, p99] = percentiles(handled);
  const [confirmedP50, confirmedP99] = percentiles(confirmed);
  return {
    'HTTP p50': percentile(answers, 0.5),
    'HTTP p99': percentile(answers, 0.99),
    'handler p50': p50,
    'handler p99': p99,
    'CONFIRMED p50': confirmedP50,
    'CONFIRMED p99': confirmedP99,
  };
}

/** The least id that the order service gives from now on: an index finds what follows, however large the table is. */
function idFromNow(): string {
  return uuidv7({ msecs: Date.now(), seq: 0, random: new Uint8Array(16) });
}

function percentiles(values: readonly number[]): [number, number] {
  const sorted = [...values].sort((a, b) => a - b);
  return [percentile(sorted, 0.5), percentile(sorted, 0.99)];
}

async function allConfirmed(orders: postgres.Sql, first: string): Promise<void> {
  const until = Date.now() + CONFIRMED_WITHIN;
  for (;;) {
    const [row] = await orders<{ open: number; cancelled: number }[]>`
      select count(*) filter (where status = 'PENDING')::int as open,
        count(*) filter (where status = 'CANCELLED')::int as cancelled
      from orders where id >= ${first}`;
    if (row?.cancelled) throw new BenchError(`${row.cancelled} orders were cancelled`);
    if (row?.open === 0) return;
    if (Date.now() > until)
      throw new BenchError(`${row?.open} orders still wait after ${CONFIRMED_WITHIN / 1000} s`);
    await delay(100);
  }
}
