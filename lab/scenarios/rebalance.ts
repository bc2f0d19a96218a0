import { eventMaker, makeTopic, openAdmin, openProducer, orderNames, sharesOf } from './clients.ts';
import { distinct, openService, outOfOrder } from './service.ts';
import type { Scenario, Stage } from './stage.ts';

const TOPIC = 'scenario-rebalance';
const GROUP = 'rebalance';
const ORDERS = 30;

/** Members join and leave under load; partitions move. */
export const rebalance: Scenario = {
  name: 'rebalance',
  summary:
    'members join and leave a group under load: partitions move, nothing lost, nothing twice in effect',
  question:
    'Members join and leave a group while events keep coming. Which events are lost, and which handled twice?',
  parts: ['postgres', 'kafka', 'registry'],
  play,
};

async function play(stage: Stage): Promise<void> {
  const { say, show, eventually } = stage;
  const admin = await openAdmin(stage);
  await makeTopic(stage, admin, TOPIC, 6);
  const service = await openService(stage, admin, GROUP, TOPIC);
  const load = await startLoad(stage);

  /** Shows how the partitions are shared, as soon as it is so, and that the work goes on. */
  const showShares = async (wanted: string) => {
    const shares = await eventually(`shares of ${wanted}`, async () => {
      const now = (await sharesOf(admin, GROUP, TOPIC)).join(' + ');
      return now === wanted ? now : undefined;
    });
    const { length } = await service.effects();
    const later = await eventually('further effects', async () => {
      const rows = await service.effects();
      return rows.length >= length + ORDERS ? rows.length : undefined;
    });
    show(`partitions of each member: ${shares}; ${later} events handled so far`, later > length);
  };

  say(`Events of ${ORDERS} orders keep coming, all the time. Member a starts.`);
  const a = await service.start('a');
  await showShares('6');
  say('b joins.');
  await service.start('b');
  await showShares('3 + 3');
  say('c joins.');
  await service.start('c');
  await showShares('2 + 2 + 2');
  say('a leaves.');
  await a.close();
  await showShares('3 + 3');

  const sent = await load.stop();
  const rows = await service.allEffects();
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
