import { setTimeout as delay } from 'node:timers/promises';
import type { Admin } from 'kafkajs';
import { makeTopic, openAdmin, openConsumer, openProducer, orderNames } from './clients.ts';
import { type Effect, outOfOrder } from './service.ts';
import type { Scenario, Stage } from './stage.ts';

const ORDERS = orderNames(12);
const BEFORE = 2;
const AFTER = 8;
const VERSIONS = 10;
/** What an event takes, ms. */
const WORK = 5;

/** The key chooses a partition by how many there are. */
export const morePartitions: Scenario = {
  name: 'more-partitions',
  summary: 'adding partitions moves keys, and their order breaks for what has not been read yet',
  question: `A topic gets ${AFTER} partitions instead of ${BEFORE} while events wait in it. What becomes of the order of a key?`,
  parts: ['kafka'],
  play,
};

async function play(stage: Stage): Promise<void> {
  const { say, show } = stage;
  const admin = await openAdmin(stage);

  say(
    `${ORDERS.length} orders, ${BEFORE} partitions: ${VERSIONS} events of each wait, for the consumer is behind.`,
  );
  const hasty = await addPartitions(stage, admin, 'scenario-more-partitions', async () => undefined);
  say(
    `The topic gets ${AFTER} partitions, ${VERSIONS} more events of each order are sent, and the consumer starts.`,
  );
  show(
    `${hasty.moved.length} of ${ORDERS.length} orders have events in two partitions, for the key's hash is divided by their number`,
    hasty.moved.length > 0,
  );
  show(
    `${hasty.wrong.length} of these were handled out of order; of the others ${hasty.others}`,
    hasty.wrong.length > 0 && hasty.others === 0,
  );

  say(
    'How to do it: nothing is sent, the consumer reads all there is, the partitions are added, and all goes on.',
  );
  const patient = await addPartitions(stage, admin, 'scenario-more-partitions-drained', (consume) =>
    consume(),
  );
  show(
    `${patient.moved.length} orders have moved, and ${patient.wrong.length} were handled out of order`,
    patient.moved.length > 0 && patient.wrong.length === 0 && patient.others === 0,
  );
  say(
    'What cannot be stopped is copied into a new topic; whoever makes a topic gives it enough partitions at first.',
  );
}

/** Sends, adds partitions, sends again, and has a group of one member read it all, the partitions side by side. */
async function addPartitions(
  stage: Stage,
  admin: Admin,
  topic: string,
  meanwhile: (consume: () => Promise<void>) => Promise<void>,
) {
  await makeTopic(stage, admin, topic, BEFORE);
  const handled: Effect[] = [];
  const send = async (from: number) => {
    // A client that knows of the new partitions at once; one that runs asks every few minutes.
    const producer = await openProducer(stage);
    for (let version = from; version < from + VERSIONS; version += 1)
      await producer.send({ topic, messages: ORDERS.map((key) => ({ key, value: String(version) })) });
  };
  const consume = async (count: number) => {
    const consumer = await openConsumer(stage, topic);
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      partitionsConsumedConcurrently: AFTER,
      eachMessage: async ({ partition, message }) => {
        await delay(WORK);
        handled.push({ key: String(message.key), version: Number(message.value), partition, member: topic });
      },
    });
    await stage.eventually(`${count} events handled`, async () =>
      handled.length === count ? true : undefined,
    );
    await consumer.disconnect();
  };
  await send(1);
  await meanwhile(() => consume(ORDERS.length * VERSIONS));
  await admin.createPartitions({ topicPartitions: [{ topic, count: AFTER }] });
  await stage.eventually('the new partitions', async () =>
    (await admin.fetchTopicOffsets(topic)).length === AFTER ? true : undefined,
  );
  await send(1 + VERSIONS);
  await consume(2 * ORDERS.length * VERSIONS);
  const homes = (key: string) =>
    new Set(handled.filter((each) => each.key === key).map(({ partition }) => partition));
  const moved = ORDERS.filter((key) => homes(key).size > 1);
  const wrong = outOfOrder(handled);
  return {
    moved,
    wrong: wrong.filter((key) => moved.includes(key)),
    others: wrong.filter((key) => !moved.includes(key)).length,
  };
}
