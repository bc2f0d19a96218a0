import { setTimeout as delay } from 'node:timers/promises';
import { setting } from '@walpost/native/settings';
import type { Admin } from 'kafkajs';
import type postgres from 'postgres';
import { connectorsOf } from './connectors.js';
import { openSql, slotIsFree } from './database.js';
import { countRecords, openAdmin } from './kafka.js';
import { type Bench, BenchError, type Measurement } from './measurement.js';
import { outboxColumns, outboxValues } from './order-sql.js';
import { STREAM_PARTS } from './parts.js';
import { runTool } from './pgbench.js';

const CONNECTOR = 'order-outbox';
const SLOT = 'order_outbox';
const TOPIC = 'order-events';
const READER_SLOT = 'bench_reader';
/** Orders that were merged, as they come under load. */
const ROWS_IN_TRANSACTION = 20;
/** The part of a backlog after which the connector's start is over. */
const STARTED = 0.05;
const DRAINED_WITHIN = 240_000;

/** How fast a backlog goes from the log to the topic. */
export const relay: Measurement = {
  name: 'relay',
  summary: 'Debezium draining a backlog, against pg_recvlogical reading the same rows',
  parts: STREAM_PARTS,
  run,
};

async function run(bench: Bench): Promise<void> {
  const { stack, quick, say, compare, defer } = bench;
  const rows = quick ? 30_000 : 500_000;
  const sql = openSql(bench, 'orders', 4);
  const admin = await openAdmin(bench);
  const connectors = connectorsOf(stack);
  say('registering the connector');
  await connectors.apply([CONNECTOR]);
  const stop = async () => {
    await connectors.remove([CONNECTOR]);
    await slotIsFree(sql, SLOT);
  };
  await stop();
  await sql`select pg_create_logical_replication_slot(${READER_SLOT}, 'pgoutput')`;
  defer(() => sql`select pg_drop_replication_slot(${READER_SLOT})`);

  // Both read the same backlog, each from a slot of its own: it is filled again when the one to be sampled has none.
  const left = { debezium: 0, reader: 0 };
  const backlogFor = async (side: keyof typeof left) => {
    if (left[side] === 0) {
      await fill(sql, rows);
      left.debezium += 1;
      left.reader += 1;
    }
    left[side] -= 1;
  };

  await compare({
    title: `${rows} rows`,
    metrics: [
      { name: 'start of the task included', unit: 'rows/s', better: 'more' },
      { name: 'once it streams', unit: 'rows/s', better: 'more' },
    ],
    subject: {
      label: 'Debezium to Kafka, exactly once',
      async sample() {
        await backlogFor('debezium');
        const before = await countRecords(admin, TOPIC);
        const begun = performance.now();
        const applied = connectors.apply([CONNECTOR]);
        const { started, seen, ended } = await drained(admin, before, rows);
        await applied;
        await stop();
        return {
          'start of the task included': (rows / (ended - begun)) * 1_000,
          'once it streams': ((rows - seen) / (ended - started)) * 1_000,
        };
      },
    },
    references: [
      {
        label: 'pg_recvlogical, pgoutput',
        goals: { 'start of the task included': '0.30 (stretch 0.45)' },
        async sample() {
          await backlogFor('reader');
          const rate = (rows / (await read(bench, sql))) * 1_000;
          return { 'start of the task included': rate, 'once it streams': rate };
        },
      },
    ],
  });
}

async function fill(sql: postgres.Sql, rows: number): Promise<void> {
  let left = Math.ceil(rows / ROWS_IN_TRANSACTION);
  const values = outboxValues('uuidv7()::text');
  const insert = `insert into outbox ${outboxColumns} select ${values} from generate_series(1, ${ROWS_IN_TRANSACTION})`;
  const writer = async () => {
    while (left-- > 0) await sql.unsafe(insert, [], { prepare: true });
  };
  await Promise.all(Array.from({ length: 4 }, writer));
}

/**
 * Waits until a topic has so many records more. The markers that end transactions count too, one for each partition of
 * a transaction of thousands: less than one in a thousand.
 */
async function drained(
  admin: Admin,
  before: number,
  rows: number,
): Promise<{ started: number; seen: number; ended: number }> {
  const until = Date.now() + DRAINED_WITHIN;
  let started: number | undefined;
  let seen = 0;
  for (;;) {
    const records = (await countRecords(admin, TOPIC)) - before;
    if (started === undefined && records >= rows * STARTED) {
      started = performance.now();
      seen = records;
    }
    if (records >= rows) return { started: started ?? performance.now(), seen, ended: performance.now() };
    if (Date.now() > until) throw new BenchError(`${records} of ${rows} rows are on ${TOPIC} after 240 s`);
    await delay(20);
  }
}

/** Reads all that stands in the log by Postgres's own client. @returns how long it took, ms */
async function read({ stack }: Bench, sql: postgres.Sql): Promise<number> {
  const [row] = await sql<{ lsn: string }[]>`select pg_current_wal_lsn()::text as lsn`;
  const begun = performance.now();
  await runTool(
    stack,
    'pg_recvlogical',
    [
      ...['--host', '127.0.0.1', '--port', setting(stack.env, 'POSTGRES_PORT')],
      ...['--username', 'postgres', '--dbname', 'orders', '--slot', READER_SLOT],
      ...['--start', '--no-loop', '--endpos', row?.lsn ?? '', '--file', '/dev/null'],
      ...['--option', 'proto_version=1', '--option', 'publication_names=order_outbox'],
    ],
    setting(stack.env, 'POSTGRES_PASSWORD'),
  );
  return performance.now() - begun;
}
