import type postgres from 'postgres';
import { setting } from 'walpost/stack/settings';
import type { Bench, Measurement } from './measurement.ts';
import { RELAY_PARTS } from './parts.ts';
import { runTool } from './pgbench.ts';
import { openRelay } from './relay-process.ts';

const READER_SLOT = 'bench_reader';

/** How fast a backlog goes from the log to the topic. */
export const relay: Measurement = {
  name: 'relay',
  summary: 'Debezium draining a backlog, against pg_recvlogical reading the same rows',
  parts: RELAY_PARTS,
  run,
};

async function run(bench: Bench): Promise<void> {
  const { quick, say, compare, defer } = bench;
  const rows = quick ? 30_000 : 500_000;
  say('registering the connector');
  const { sql, fill, drain } = await openRelay(bench);
  await sql`select pg_create_logical_replication_slot(${READER_SLOT}, 'pgoutput')`;
  defer(() => sql`select pg_drop_replication_slot(${READER_SLOT})`);

  // Both read the same backlog, each from a slot of its own: it is filled again when the one to be sampled has none.
  const left = { debezium: 0, reader: 0 };
  const backlogFor = async (side: keyof typeof left) => {
    if (left[side] === 0) {
      await fill(rows);
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
        const { withStart, streaming } = await drain(rows);
        return { 'start of the task included': withStart, 'once it streams': streaming };
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

/** Reads all that is in the log by Postgres's own client. @returns how long it took, ms */
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
