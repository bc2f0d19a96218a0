// The mistake: the client commits the offset of an event whose work has only begun. It dies by kill -9 at an effect.
import { setTimeout as delay } from 'node:timers/promises';
import { type DatabaseOptions, openDatabase } from '@walpost/kit/postgres/database';
import { sql } from 'drizzle-orm';
import kafkajs from 'kafkajs';

/** What the program is told. */
export interface EarlyAck {
  database: DatabaseOptions;
  brokers: string[];
  groupId: string;
  topic: string;
  /** After so many effects it dies. */
  dieAtEffect: number;
}

/** The work is slower than the acknowledgement, ms. */
const WORK = 100;

const { database, brokers, groupId, topic, dieAtEffect } = JSON.parse(process.argv[2] ?? '') as EarlyAck;
const { db } = openDatabase(database);
const kafka = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING });
// The shortest that a broker takes: who comes after it has to wait until it counts as gone.
const consumer = kafka.consumer({
  groupId,
  maxWaitTimeInMs: 100,
  sessionTimeout: 6_000,
  heartbeatInterval: 500,
});
let acknowledged: (() => void) | undefined;
const firstCommit = new Promise<void>((resolve) => {
  acknowledged = resolve;
});
consumer.on(consumer.events.COMMIT_OFFSETS, () => acknowledged?.());

let work = firstCommit;
let effects = 0;
async function workOn(key: string): Promise<void> {
  await delay(WORK);
  await db.execute(sql`insert into auto_commit_effects (key) values (${key})`);
  effects += 1;
  if (effects === dieAtEffect) process.kill(process.pid, 'SIGKILL');
}

await consumer.connect();
await consumer.subscribe({ topic, fromBeginning: true });
await consumer.run({
  eachMessage: async ({ message }) => {
    // Not awaited: for the client the event is done when this function returns.
    work = work.then(() => workOn(String(message.key)));
  },
});
