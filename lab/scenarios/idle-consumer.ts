import { makeTopic, openAdmin, openConsumer, openProducer, orderNames, sharesOf } from './clients.ts';
import type { Scenario, Stage } from './stage.ts';

const TOPIC = 'scenario-idle-consumer';
const GROUP = 'idle-consumer';
const PARTITIONS = 3;
const MEMBERS = ['a', 'b', 'c', 'd', 'e'];
const EVENTS = 300;

/** Partitions are the most that a group can do side by side. */
export const idleConsumer: Scenario = {
  name: 'idle-consumer',
  summary: 'more consumers than partitions: some of them have nothing to do',
  question: `A topic has ${PARTITIONS} partitions, and ${MEMBERS.length} consumers join one group. What does each of them do?`,
  parts: ['kafka'],
  play,
};

async function play(stage: Stage): Promise<void> {
  const { say, show, eventually } = stage;
  const admin = await openAdmin(stage);
  await makeTopic(stage, admin, TOPIC, PARTITIONS);
  const producer = await openProducer(stage);
  const handled = new Map(MEMBERS.map((name) => [name, 0]));
  const inAll = () => [...handled.values()].reduce((sum, count) => sum + count, 0);
  const join = async (name: string) => {
    const consumer = await openConsumer(stage, GROUP);
    await consumer.subscribe({ topic: TOPIC, fromBeginning: true });
    await consumer.run({
      eachMessage: async () => {
        handled.set(name, (handled.get(name) ?? 0) + 1);
      },
    });
    return { name, leave: () => consumer.disconnect() };
  };
  const shares = (wanted: string) =>
    eventually(`shares of ${wanted}`, async () => {
      const now = (await sharesOf(admin, GROUP, TOPIC)).join(' + ');
      return now === wanted ? now : undefined;
    });

  say(`A topic with ${PARTITIONS} partitions; ${MEMBERS.join(', ')} join one group.`);
  const members = await Promise.all(MEMBERS.map(join));
  const first = await shares('1 + 1 + 1 + 0 + 0');
  show(`partitions of each member: ${first}`, first.split(' + ').length === MEMBERS.length);

  say(`${EVENTS} events are sent.`);
  const send = () =>
    producer.send({
      topic: TOPIC,
      messages: orderNames(EVENTS).map((key) => ({ key, value: 'OrderCreated' })),
    });
  await send();
  await eventually('all events handled', async () => (inAll() === EVENTS ? true : undefined));
  const counts = members.map(({ name }) => handled.get(name) ?? 0);
  show(
    `events handled by each: ${counts.join(' + ')}; ${counts.filter((count) => count === 0).length} members had none`,
    counts.filter((count) => count === 0).length === MEMBERS.length - PARTITIONS,
  );

  const busy = members.filter(({ name }) => handled.get(name));
  say('One that had a partition leaves.');
  await busy[0]?.leave();
  const second = await shares('1 + 1 + 1 + 0');
  await send();
  await eventually('all events handled', async () => (inAll() === 2 * EVENTS ? true : undefined));
  const successors = members.filter(({ name }, at) => counts[at] === 0 && handled.get(name));
  show(
    `partitions of each member: ${second}; one that had nothing has taken over: an idle member is a spare`,
    successors.length >= 1,
  );
}
