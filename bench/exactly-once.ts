import { setTimeout as delay } from 'node:timers/promises';
import { testStack } from '@walpost/native/test-stack';
import type { ConnectorFile } from '@walpost/scripts/connector-files';
import { kafkaOf } from './kafka.js';
import { type Bench, BenchError, type Measurement, type Place, type Side } from './measurement.js';
import { outboxColumns, outboxValues } from './order-sql.js';
import { RELAY_PARTS } from './parts.js';
import { openRelay } from './relay-process.js';
import { percentile } from './statistics.js';

/** Rows a second, one in a transaction. */
const CALM = 50;
const ARRIVED_WITHIN = 30_000;

/** What it costs to keep duplicates out of the topic. */
export const exactlyOnce: Measurement = {
  name: 'exactly-once',
  summary: 'Connect with exactly-once source support, against Connect without it',
  parts: RELAY_PARTS,
  takesLong: true,
  run,
};

async function run(bench: Bench): Promise<void> {
  const { stack, quick, say, compare, defer } = bench;
  say('starting a second stack, whose worker has it switched off');
  const other = await testStack(RELAY_PARTS, {
    viewsOf: async () => ({ connect: { EXACTLY_ONCE_SOURCE_SUPPORT: 'disabled' } }),
  });
  defer(() => other.close());
  const rows = quick ? 30_000 : 200_000;
  const seconds = quick ? 2 : 5;
  await compare({
    title: `${rows} rows`,
    metrics: [
      { name: 'drain', unit: 'rows/s', better: 'more' },
      { name: `commit to arrival at ${CALM}/s, p50`, unit: 'ms', better: 'less' },
      { name: `commit to arrival at ${CALM}/s, p99`, unit: 'ms', better: 'less' },
    ],
    subject: await side('on', { stack, defer }, rows, seconds),
    references: [
      {
        ...(await side('off', { stack: other, defer }, rows, seconds, withoutIt)),
        goals: { drain: '0.9' },
      },
    ],
  });
}

const withoutIt = ({ name, config }: ConnectorFile): ConnectorFile => ({
  name,
  config: { ...config, 'exactly.once.support': 'requested' },
});

async function side(
  label: string,
  on: Place,
  rows: number,
  seconds: number,
  change?: (file: ConnectorFile) => ConnectorFile,
): Promise<Side> {
  const { sql, fill, drain, start, stop } = await openRelay(on, change);
  const arrivals = await watchArrivals(on);
  return {
    label,
    async sample() {
      await fill(rows);
      const { streaming } = await drain(rows);
      arrivals.clear();
      await start();
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
      await stop();
      const sorted = [...written]
        .map(([id, at]) => (arrivals.get(id) ?? Number.NaN) - at)
        // The start of the connector is not what is measured.
        .slice(CALM)
        .sort((a, b) => a - b);
      return {
        drain: streaming,
        [`commit to arrival at ${CALM}/s, p50`]: percentile(sorted, 0.5),
        [`commit to arrival at ${CALM}/s, p99`]: percentile(sorted, 0.99),
      };
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
