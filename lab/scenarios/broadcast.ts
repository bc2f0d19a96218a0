import { eventMaker, makeTopic, openAdmin, openProducer, orderNames } from './clients.ts';
import { distinct, openService } from './service.ts';
import type { Scenario, Stage } from './stage.ts';

const TOPIC = 'scenario-broadcast';
const GROUPS = ['payment', 'inventory', 'notification'];

/** Independent groups each get everything. */
export const broadcast: Scenario = {
  name: 'broadcast',
  summary: 'independent consumer groups each get every event, each at its own pace',
  question: 'Three services read one topic, and one of them is stopped for a while. What does it miss?',
  parts: ['postgres', 'kafka', 'registry'],
  play,
};

async function play(stage: Stage): Promise<void> {
  const { say, show } = stage;
  const admin = await openAdmin(stage);
  await makeTopic(stage, admin, TOPIC, 6);
  const producer = await openProducer(stage);
  const event = await eventMaker(stage);
  const send = (version: number) =>
    producer.send({ topic: TOPIC, messages: orderNames(60).map((order) => event(order, version)) });

  say(`One topic with 6 partitions; ${GROUPS.length} services, each a consumer group with its own database.`);
  const open = async (group: string) => {
    const service = await openService(stage, admin, `broadcast-${group}`, TOPIC);
    return { group, service, member: await service.start(group) };
  };
  const running = await Promise.all(GROUPS.map(open));

  say('60 events are sent, once.');
  await send(1);
  for (const { group, service } of running) {
    const rows = await service.allEffects();
    show(`${group} acted on ${distinct(rows)} of 60 events, ${rows.length} times in all`, isOnce(rows, 60));
  }

  const [quick, , slow] = running;
  if (!quick || !slow) throw new Error('three services run');
  say(`${slow.group} is stopped; 60 more events are sent.`);
  await slow.member.close();
  await send(2);
  const ahead = await quick.service.allEffects();
  const behind = await slow.service.effects();
  show(
    `${quick.group} is at ${ahead.length}, ${slow.group} at ${behind.length}: nobody waits for anybody`,
    isOnce(ahead, 120) && behind.length === 60,
  );

  say(`${slow.group} is started again.`);
  await slow.service.start(slow.group);
  const caughtUp = await slow.service.allEffects();
  show(
    `${slow.group} went on where it had stopped: ${caughtUp.length} of 120, none twice`,
    isOnce(caughtUp, 120) && slow.service.repeated() === 0,
  );

  say('A fourth service is added, after the fact.');
  const { service } = await open('analytics');
  const all = await service.allEffects();
  show(`analytics got ${all.length} of 120, from the first on; nobody else had to change`, isOnce(all, 120));
}

function isOnce(rows: Parameters<typeof distinct>[0], count: number): boolean {
  return rows.length === count && distinct(rows) === count;
}
