// The dual write: an order is committed, then its event is published by a Kafka producer; or the process dies between.
import { type DatabaseOptions, openDatabase } from '@walpost/kit/postgres/database';
import { sql } from 'drizzle-orm';
import kafkajs from 'kafkajs';

/** What the program is told. */
export interface LateEvent {
  database: DatabaseOptions;
  brokers: string[];
  topic: string;
  orderId: string;
  /** Whether to die by kill -9 between the commit and the event. */
  kill: boolean;
}

const { database, brokers, topic, orderId, kill } = JSON.parse(process.argv[2] ?? '') as LateEvent;
const { db, close } = openDatabase(database);
const producer = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING }).producer({
  idempotent: true,
  maxInFlightRequests: 1,
});
await producer.connect();

await db.transaction((tx) => tx.execute(sql`insert into dual_write_orders (id) values (${orderId})`));
if (kill) process.kill(process.pid, 'SIGKILL');
await producer.send({ topic, messages: [{ key: orderId, value: 'OrderCreated' }] });

await producer.disconnect();
await close();
