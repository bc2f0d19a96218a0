import type { Admin } from 'kafkajs';
import { committedOf, makeTopic, openAdmin, openConsumer, openProducer } from './clients.ts';
import type { Scenario, Stage } from './stage.ts';

const TOPIC = 'scenario-first-offset';
type Reset = 'earliest' | 'latest';

/** Where a group begins, and that this is asked whenever it has no valid offset, not only the first time. */
export const firstOffset: Scenario = {
  name: 'first-offset',
  summary:
    'earliest and latest count only without a valid offset: a new group, one away too long, one forgotten',
  question:
    'A group with auto.offset.reset=latest was away until its offset had expired. What does it read when it is back?',
  parts: ['kafka'],
  play,
};

async function play(stage: Stage): Promise<void> {
  const { say, show } = stage;
  const admin = await openAdmin(stage);
  await makeTopic(stage, admin, TOPIC, 1);
  const producer = await openProducer(stage);
  let sent = 0;
  const send = async (count: number) => {
    const messages = Array.from({ length: count }, () => {
      sent += 1;
      return { key: 'order-01', value: String(sent) };
    });
    await producer.send({ topic: TOPIC, messages });
  };
  /** What a group reads until it has committed all there is. */
  const read = (reset: Reset, whileThere?: () => Promise<void>) => readAll(stage, admin, reset, whileThere);
  const both = async (whileThere?: () => Promise<void>) => {
    const earliest = await read('earliest');
    return { earliest, latest: await read('latest', whileThere) };
  };

  say('10 events are on the topic. Two new groups come, one with earliest and one with latest.');
  await send(10);
  const news = await both(() => send(1));
  show(
    `earliest read ${range(news.earliest)}; latest ${range(news.latest)}, which was sent while it was there`,
    range(news.earliest) === '1 to 10' && range(news.latest) === '11',
  );

  say('Both have committed. 5 more events are sent while they are away.');
  await send(5);
  const back = await both();
  show(
    `earliest read ${range(back.earliest)}, latest ${range(back.latest)}: with a committed offset neither word counts`,
    range(back.earliest) === '11 to 16' && range(back.latest) === '12 to 16',
  );

  say('5 more events; 3 of them are removed before anybody comes, as retention does with what is old.');
  await send(5);
  await admin.deleteTopicRecords({ topic: TOPIC, partitions: [{ partition: 0, offset: String(sent - 2) }] });
  const late = await both(() => send(1));
  show(
    `away longer than retention: earliest goes on with ${range(late.earliest)} and misses 3; latest with ${range(late.latest)} and misses 5`,
    range(late.earliest) === '20 to 21' && range(late.latest) === '22',
  );

  say(
    '5 more events, and the offsets of both groups are forgotten, as Kafka does 7 days after the last member left.',
  );
  await send(5);
  await admin.deleteGroups(['first-offset-earliest', 'first-offset-latest']);
  const forgotten = await both(() => send(1));
  const again = forgotten.earliest.filter((value) => late.earliest.includes(value)).length;
  show(
    `earliest reads ${range(forgotten.earliest)}, ${again} of them again; latest ${range(forgotten.latest)}, and misses 5`,
    range(forgotten.earliest) === '20 to 27' && range(forgotten.latest) === '28',
  );
  say(
    'Walpost reads earliest: what comes again is dropped by the inbox, and what retention took is in the outbox still.',
  );
}

/** Reads as a group, until it has committed the end of the topic; commits and leaves. @returns the events' numbers */
async function readAll(
  stage: Stage,
  admin: Admin,
  reset: Reset,
  whileThere: () => Promise<void> = async () => undefined,
): Promise<number[]> {
  const groupId = `first-offset-${reset}`;
  const values: number[] = [];
  const consumer = await openConsumer(stage, groupId);
  await consumer.subscribe({ topic: TOPIC, fromBeginning: reset === 'earliest' });
  let fetches = 0;
  consumer.on(consumer.events.FETCH, () => {
    fetches += 1;
  });
  await consumer.run({
    autoCommitThreshold: 1,
    eachMessage: async ({ message }) => {
      values.push(Number(message.value));
    },
  });
  // Its place is settled with its first fetch that is answered; after an invalid offset, with the one after that.
  await stage.eventually(`${groupId} at its place`, async () => (fetches >= 3 ? true : undefined));
  await whileThere();
  await stage.eventually(`${groupId} at the end`, async () => {
    const [end] = await admin.fetchTopicOffsets(TOPIC);
    return (await committedOf(admin, groupId, TOPIC)) === Number(end?.high) ? true : undefined;
  });
  await consumer.disconnect();
  return values;
}

/** The first and the last of numbers that follow each other. */
function range(values: readonly number[]): string {
  const [first, last] = [values[0], values.at(-1)];
  return first === last ? String(first) : `${first} to ${last}`;
}
