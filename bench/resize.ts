import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { setting } from '@walpost/native/settings';
import type { TestStack } from '@walpost/native/test-stack';
import type { Admin } from 'kafkajs';
import type postgres from 'postgres';
import { runKafkaTool } from './kafka.js';
import { outboxColumns, outboxValues } from './order-sql.js';

const AT_ONCE = 500_000;

/** What samples have added is taken away when it is more than there was. */
const TOO_LARGE = 2;

/** About as much as an order's event with its headers, bytes. */
const RECORD_SIZE = 500;

/** How many rows stand in a table. */
export async function count(sql: postgres.Sql, table: 'outbox' | 'inbox'): Promise<number> {
  const [row] = await sql<{ n: number }[]>`select count(*)::int as n from ${sql(table)}`;
  return row?.n ?? 0;
}

/** Fills orders and outbox up to a size, or empties them first. */
export async function resizeOutbox(sql: postgres.Sql, size: number): Promise<void> {
  if ((await count(sql, 'outbox')) > TOO_LARGE * size) await sql`truncate orders, outbox`;
  for (let at = await count(sql, 'outbox'); at < size; at += AT_ONCE) {
    const more = Math.min(AT_ONCE, size - at);
    await sql.unsafe(`with ids as materialized (select uuidv7() as id from generate_series(1, ${more})),
      placed as (insert into orders (id, customer_id, currency, items, total_amount, status, payment, stock, version, created_at)
        select id, 'ada', 'EUR', '[]', 0, 'CONFIRMED', 'YES', 'YES', 2, now() from ids)
      insert into outbox ${outboxColumns} select ${outboxValues('id::text')} from ids`);
  }
  // Autovacuum would do it while the samples are taken.
  await sql`vacuum analyze orders, outbox`;
  await sql`checkpoint`;
}

/** Fills the inbox up to a size, or empties it first. */
export async function resizeInbox(sql: postgres.Sql, size: number): Promise<void> {
  if ((await count(sql, 'inbox')) > TOO_LARGE * size) await sql`truncate inbox`;
  for (let at = await count(sql, 'inbox'); at < size; at += AT_ONCE) {
    await sql`insert into inbox (event_id, topic, key, version, received_at) select uuidv7(), 'order-events', uuidv7()::text, 1, now()
      from generate_series(1, ${Math.min(AT_ONCE, size - at)})`;
  }
  await sql`vacuum analyze inbox`;
  await sql`checkpoint`;
}

/** Writes records that nobody can decode to a topic until it has so many, or deletes its oldest as retention would. */
export async function resizeTopic(
  stack: TestStack,
  admin: Admin,
  topic: string,
  size: number,
): Promise<void> {
  const offsets = await admin.fetchTopicOffsets(topic);
  const held = offsets.reduce((sum, { high, low }) => sum + Number(high) - Number(low), 0);
  if (held > TOO_LARGE * size) {
    const kept = size / held;
    const partitions = offsets.map(({ partition, high, low }) => ({
      partition,
      offset: String(Number(high) - Math.round(kept * (Number(high) - Number(low)))),
    }));
    await admin.deleteTopicRecords({ topic, partitions });
  } else if (held < size) {
    await runKafkaTool(stack, 'ProducerPerformance', [
      ...['--bootstrap-server', setting(stack.env, 'KAFKA_BROKERS'), '--topic', topic],
      ...['--num-records', String(size - held), '--record-size', String(RECORD_SIZE), '--throughput', '-1'],
    ]);
    // Kafka leaves writing to the system, and the first commit of a sample would wait for gigabytes.
    await promisify(execFile)('sync');
  }
}
