import { randomUUID } from 'node:crypto';
import {
  committedOf,
  eventMaker,
  makeTopic,
  openAdmin,
  openConsumer,
  openProducer,
  openSql,
} from './clients.ts';
import { openService } from './service.ts';
import type { Scenario, Stage } from './stage.ts';

const TOPIC = 'scenario-poison';
/** The events in their order; the second one cannot be read. */
const EVENTS = ['order-01 v1', 'order-02 v1', 'order-02 v2', 'order-03 v1'];
const BAD = 1;

/** One record that nobody can read, and three consumers that meet it. */
export const poison: Scenario = {
  name: 'poison',
  summary: 'one bad record: a consumer that stops for ever, one that skips, and parking behind a dead letter',
  question: `The second of ${EVENTS.length} events cannot be read. What does a consumer do that throws, and what one that skips it?`,
  parts: ['postgres', 'kafka', 'registry'],
  play,
};

async function play(stage: Stage): Promise<void> {
  const { say, show, eventually } = stage;
  const admin = await openAdmin(stage);
  await makeTopic(stage, admin, TOPIC, 1);
  const producer = await openProducer(stage);
  const event = await eventMaker(stage);
  const messages = EVENTS.map((name, at) => {
    const [key = '', version = ''] = name.split(' v');
    const good = event(key, Number(version));
    return at === BAD
      ? { ...good, value: 'not Avro', headers: { ...good.headers, ce_id: randomUUID() } }
      : good;
  });
  await producer.send({ topic: TOPIC, messages });
  say(`${EVENTS.join(', ')} are on the topic; the value of ${EVENTS[BAD]} is not Avro.`);

  /** What a service does that has only Kafka's client. @returns what it was given, in order */
  const consume = async (group: string, skip: boolean) => {
    const given: string[] = [];
    const handled: string[] = [];
    const consumer = await openConsumer(stage, group, { retry: { retries: 1, initialRetryTime: 50 } });
    await consumer.subscribe({ topic: TOPIC, fromBeginning: true });
    await consumer.run({
      autoCommitThreshold: 1,
      eachMessage: async ({ message }) => {
        const name = `${message.key} v${message.headers?.['aggregateversion']}`;
        given.push(name);
        // The first byte of a value in Confluent's format is 0.
        const isReadable = message.value?.[0] === 0;
        if (!isReadable && !skip) throw new Error('cannot be read');
        if (isReadable) handled.push(name);
      },
    });
    return { given, handled, leave: () => consumer.disconnect() };
  };

  say('The first consumer throws, as the examples do, and is given the record again.');
  const stuck = await consume('poison-stuck', false);
  const tries = await eventually('the record again and again', async () => {
    const count = stuck.given.filter((name) => name === EVENTS[BAD]).length;
    return count >= 5 ? count : undefined;
  });
  const stands = await committedOf(admin, 'poison-stuck', TOPIC);
  await stuck.leave();
  show(
    `${tries} times so far, and it is at offset ${stands}: ${EVENTS.at(-1)}, of another order, waits for ever`,
    stands === BAD && !stuck.given.includes(String(EVENTS.at(-1))),
  );

  say('The second one catches the error, logs it and goes on.');
  const skipping = await consume('poison-skipping', true);
  await eventually('the end', async () => (skipping.given.length === EVENTS.length ? true : undefined));
  await skipping.leave();
  show(
    `it has handled ${skipping.handled.join(', ')}: ${EVENTS[BAD]} is gone, and what follows it was done without it`,
    skipping.handled.join() === EVENTS.filter((_name, at) => at !== BAD).join(),
  );

  say('The third one is the kit: the record is set aside, and what follows of its key is parked behind it.');
  const service = await openService(stage, admin, 'poison-kit', TOPIC);
  await service.start('one');
  const effects = (await service.allEffects()).map(({ key, version }) => `${key} v${version}`);
  const sql = openSql(stage, 'poison_kit');
  const deadLetters = await sql<{ text: string }[]>`
    select key || ' ' || state as text from dead_letters order by id`;
  show(
    `effects of ${effects.join(', ')}; set aside: ${deadLetters.map(({ text }) => text).join(', ')}`,
    effects.join() === 'order-01 v1,order-03 v1' &&
      deadLetters.map(({ text }) => text).join() === 'order-02 dead,order-02 parked',
  );
  say('Mended, both are replayed in their order by walpost dead-letters replay. Nobody else has waited.');
}
