import { setTimeout as delay } from 'node:timers/promises';
import type { ConnectorFile } from 'walpost/connect/connector-files';
import { kafkaOf } from './kafka.ts';
import { BenchError, type Metric, type Place } from './measurement.ts';
import { outboxColumns, outboxValues } from './order-sql.ts';
import { openRelay, type Relay } from './relay-process.ts';
import { percentile } from './statistics.ts';

/** Rows a second, one in a transaction. */
export const CALM = 50;
const ARRIVED_WITHIN = 30_000;

const P50 = `commit to arrival at ${CALM}/s, p50`;
const P99 = `commit to arrival at ${CALM}/s, p99`;

/** What a sample of a relay has. */
export const RELAY_METRICS = [
  { name: 'drain', unit: 'rows/s', better: 'more' },
  { name: P50, unit: 'ms', better: 'less' },
  { name: P99, unit: 'ms', better: 'less' },
] as const satisfies readonly Metric[];

export interface WatchedRelay extends Relay {
  /** Drains so many rows that are in the outbox, then writes rows at a calm rate for some seconds. */
  sample(rows: number, seconds: number): Promise<Record<string, number>>;
}

/** A relay, and somebody who notes when a row comes out of it. */
export async function openWatchedRelay(
  place: Place,
  change?: (file: ConnectorFile) => ConnectorFile,
): Promise<WatchedRelay> {
  const relay = await openRelay(place, change);
  const arrivals = await watchArrivals(place);
  return {
    ...relay,
    async sample(rows, seconds) {
      const { streaming } = await relay.drain(rows);
      arrivals.clear();
      await relay.start();
      const late = await pace(relay, arrivals, seconds);
      await relay.stop();
      return { drain: streaming, [P50]: percentile(late, 0.5), [P99]: percentile(late, 0.99) };
    },
  };
}

/** Reads the topic from now on. @returns when each event came to a consumer, by its id */
async function watchArrivals({ stack, defer }: Place): Promise<Map<string, number>> {
  const arrivals = new Map<string, number>();
  const consumer = kafkaOf(stack).consumer({ groupId: 'bench-arrivals', maxWaitTimeInMs: 100 });
  await consumer.connect();
  defer(() => consumer.disconnect());
  await consumer.subscribe({ topic: 'order-events' });
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ message }) => {
      const id = message.headers?.['ce_id']?.toString();
      if (id) arrivals.set(id, Date.now());
    },
  });
  return arrivals;
}

/** @returns ms from a row's commit to its arrival, in ascending order */
async function pace({ sql }: Relay, arrivals: Map<string, number>, seconds: number): Promise<number[]> {
  const written = new Map<string, number>();
  for (let at = 0; at < CALM * seconds; at++) {
    const [row] = await sql.unsafe<{ id: string }[]>(
      `insert into outbox ${outboxColumns} values (${outboxValues('uuidv7()::text')}) returning id`,
    );
    if (row) written.set(row.id, Date.now());
    await delay(1_000 / CALM);
  }
  const until = Date.now() + ARRIVED_WITHIN;
  while ([...written.keys()].some((id) => !arrivals.has(id))) {
    if (Date.now() > until) throw new BenchError('a row has not arrived');
    await delay(50);
  }
  return (
    [...written]
      .map(([id, at]) => (arrivals.get(id) ?? Number.NaN) - at)
      // The start of the connector is not what is measured.
      .slice(CALM)
      .sort((a, b) => a - b)
  );
}
