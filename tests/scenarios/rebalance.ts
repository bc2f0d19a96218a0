import kafkajs, { type Admin } from 'kafkajs';
import { eventMaker, makeTopic, openAdmin, openProducer, orderNames } from './clients.js';
import { distinct, effectsOf, openService, outOfOrder } from './service.js';
import type { Scenario, Stage } from './stage.js';

const TOPIC = 'scenario-rebalance';
const GROUP = 'rebalance';
const ORDERS = 30;

/** Members join and leave under load; partitions move. */
export const rebalance: Scenario = {
  name: 'rebalance',
  summary:
    'members join and leave a group under load: partitions move, nothing lost, nothing twice in effect',
  parts: ['postgres', 'kafka', 'registry'],
  play,
};

async function play(stage: Stage): Promise<void> {
  const { say, show, eventually } = stage;
  const admin = await openAdmin(stage);
  await makeTopic(stage, admin, TOPIC, 6);
  const service = await openService(stage, GROUP, TOPIC);
  const load = await startLoad(stage);

  /** Waits until so many members hold partitions and the effects move on, then says how they are shared. */
  const shared = async (wanted: readonly number[]) => {
    const text = wanted.join(' + ');
    await eventually(`partitions shared ${text}`, async () =>
      (await partitionsOfMembers(admin)).join() === wanted.join() ? true : undefined,
    );
    const { length } = await service.effects();
    await effectsOf(stage, service, length + ORDERS);
    show(
      `${wanted.length === 1 ? 'one member has' : `${wanted.length} members share`} 6 partitions: ${text}`,
      true,
    );
  };

  say(`Events of ${ORDERS} orders keep coming, all the time. Member a starts.`);
  const a = await service.start('a');
  await shared([6]);
  say('b joins.');
  await service.start('b');
  await shared([3, 3]);
  say('c joins.');
  await service.start('c');
  await shared([2, 2, 2]);
  say('a leaves.');
  await a.close();
  await shared([3, 3]);

  const sent = await load.stop();
  const rows = await effectsOf(stage, service, sent);
  const by = ['a', 'b', 'c'].map((name) => `${name} ${rows.filter(({ member }) => member === name).length}`);
  say(
    `${sent} events were sent. Handled by: ${by.join(', ')}. Given twice and dropped by the inbox: ${service.repeated()}.`,
  );
  show(`nothing lost: ${distinct(rows)} of ${sent} events have their effect`, distinct(rows) === sent);
  show(`nothing twice: ${rows.length} effects`, rows.length === sent);
  const wrong = outOfOrder(rows);
  show(
    `${ORDERS - wrong.length} of ${ORDERS} orders kept their order through every move`,
    wrong.length === 0,
  );
}

/** How many partitions each member holds, the most first; none while the group rebalances. */
async function partitionsOfMembers(admin: Admin): Promise<number[]> {
  const { groups } = await admin.describeGroups([GROUP]);
  const [group] = groups;
  if (group?.state !== 'Stable') return [];
  const counts = group.members.map(({ memberAssignment }) => {
    const decoded = kafkajs.AssignerProtocol.MemberAssignment.decode(memberAssignment);
    return decoded?.assignment[TOPIC]?.length ?? 0;
  });
  return counts.sort((one, other) => other - one);
}

/** Sends the next event of every order, over and over. */
async function startLoad(stage: Stage): Promise<{ stop(): Promise<number> }> {
  const producer = await openProducer(stage);
  const event = await eventMaker(stage);
  const orders = orderNames(ORDERS);
  let stopped = false;
  let version = 0;
  const sending = (async () => {
    while (!stopped) {
      version += 1;
      await producer.send({ topic: TOPIC, messages: orders.map((order) => event(order, version)) });
    }
    return version * ORDERS;
  })();
  const stop = () => {
    stopped = true;
    return sending;
  };
  stage.defer(stop);
  return { stop };
}
