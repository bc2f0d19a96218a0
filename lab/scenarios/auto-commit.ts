import {
  brokersOf,
  committedOf,
  databaseOf,
  makeTopic,
  openAdmin,
  openProducer,
  openSql,
  orderNames,
} from './clients.ts';
import type { EarlyAck } from './programs/acknowledge-first.ts';
import type { Scenario, Stage } from './stage.ts';

const TOPIC = 'scenario-auto-commit';
const GROUP = 'auto-commit';
const EVENTS = 20;

/** The offset is committed before the work is done; a crash in between loses the event. */
export const autoCommit: Scenario = {
  name: 'auto-commit',
  summary: 'acknowledged before the work is done, and killed: the event is lost',
  question: `A consumer has acknowledged ${EVENTS} events and is killed at its work. How many will its successor get?`,
  parts: ['postgres', 'kafka'],
  play,
};

async function play(stage: Stage): Promise<void> {
  const { say, show, stack } = stage;
  const admin = await openAdmin(stage);
  await makeTopic(stage, admin, TOPIC, 1);
  const producer = await openProducer(stage);
  const sql = openSql(stage, 'postgres');
  await sql`create table auto_commit_effects (key text not null)`;
  const effects = async () => (await sql`select key from auto_commit_effects`).length;
  /** Runs a member until it has had so many effects, and is killed there. */
  const consumeUntil = async (dieAtEffect: number) => {
    const task: EarlyAck = {
      database: databaseOf(stage, 'postgres', 'postgres', 'POSTGRES_PASSWORD'),
      brokers: brokersOf(stage),
      groupId: GROUP,
      topic: TOPIC,
      dieAtEffect,
    };
    const program = 'dist/programs/acknowledge-first.js';
    const { code, stderr } = await stack.run('node', [program, JSON.stringify(task)]);
    if (code !== null) throw new Error(`the consumer ended by itself (exit ${code}): ${stderr}`);
  };

  say(
    `${EVENTS} events wait. A consumer hands each to its work and returns: the client commits the offset by itself.`,
  );
  await producer.send({
    topic: TOPIC,
    messages: orderNames(EVENTS).map((key) => ({ key, value: 'OrderCreated' })),
  });
  say('It is killed (kill -9) when a part of the work is done.');
  await consumeUntil(5);
  const [committed, done] = [await committedOf(admin, GROUP, TOPIC), await effects()];
  show(
    `in Kafka: ${committed} events acknowledged; in the database: ${done} effects`,
    committed === EVENTS && done < EVENTS,
  );

  const [end] = await admin.fetchTopicOffsets(TOPIC);
  show(
    `the group's lag is ${Number(end?.high) - committed}: there is no error, and nothing to alert on`,
    Number(end?.high) === committed,
  );

  say('Another member starts, and one more event is sent.');
  await producer.send({ topic: TOPIC, messages: [{ key: 'one-more', value: 'OrderCreated' }] });
  await consumeUntil(1);
  show(
    `it was given that one and nothing else: ${EVENTS - done} of ${EVENTS} events never have an effect`,
    (await effects()) === done + 1,
  );
  say('npm run scenario manual-ack: killed at the same place, it commits afterwards.');
}
