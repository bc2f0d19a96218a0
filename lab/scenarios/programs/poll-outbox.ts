// A polling publisher: asks the outbox for rows with a greater id than the last one, publishes them, and tries again when
// Kafka is away. It keeps the last id in a table, and ends when its connection to the database is ended.
import { setTimeout as delay } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import postgres from 'postgres';

/** What the program is told. */
export interface Poll {
  database: { host: string; port: number; username: string; password: string; database: string };
  brokers: string[];
  topic: string;
  /** Between two looks, ms. */
  every: number;
}

const { database, brokers, topic, every } = JSON.parse(process.argv[2] ?? '') as Poll;
let isOver = false;
const sql = postgres({
  ...database,
  max: 1,
  connection: { application_name: 'poll-outbox' },
  onclose: () => {
    isOver = true;
  },
});
const producer = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING }).producer({
  idempotent: true,
  maxInFlightRequests: 1,
});

while (!isOver) {
  try {
    const rows = await sql<{ id: string; key: string; ce_type: string }[]>`
      select id, aggregateid as key, type as ce_type from outbox where id > (select last from poll_outbox) order by id`;
    const last = rows.at(-1);
    if (last) {
      await producer.connect();
      const messages = rows.map(({ key, ce_type }) => ({ key, value: 'an event', headers: { ce_type } }));
      await producer.send({ topic, messages });
      await sql`update poll_outbox set last = ${last.id}`;
    }
  } catch (error) {
    console.error(`will try again: ${error}`);
  }
  await delay(every);
}
await producer.disconnect();
