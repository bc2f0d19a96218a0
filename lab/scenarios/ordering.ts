import { eventMaker, makeTopic, openAdmin, openProducer, orderNames } from './clients.ts';
import { openService, outOfOrder } from './service.ts';
import type { Scenario, Stage } from './stage.ts';

const TOPIC = 'scenario-ordering';
const ORDERS = 12;
const VERSIONS = 25;

/** Order per key, and none between partitions. */
export const ordering: Scenario = {
  name: 'ordering',
  summary: 'events of one key keep their order; across partitions there is none',
  question: '12 orders share 6 partitions. In which order are their events handled?',
  parts: ['postgres', 'kafka', 'registry'],
  play,
};

async function play(stage: Stage): Promise<void> {
  const { say, show } = stage;
  const admin = await openAdmin(stage);
  await makeTopic(stage, admin, TOPIC, 6);
  const producer = await openProducer(stage);
  const event = await eventMaker(stage);

  say(
    `${ORDERS} orders take turns: ${ORDERS * VERSIONS} events, each order's numbered 1 to ${VERSIONS}; 6 partitions.`,
  );
  const orders = orderNames(ORDERS);
  const sent: string[] = [];
  for (let version = 1; version <= VERSIONS; version += 1) {
    await producer.send({ topic: TOPIC, messages: orders.map((order) => event(order, version)) });
    sent.push(...orders.map((order) => `${order}/${version}`));
  }
  const service = await openService(stage, admin, 'ordering', TOPIC);
  await service.start('one');
  const rows = await service.allEffects();

  const homes = new Map(rows.map(({ key, partition }) => [key, partition]));
  const strays = rows.filter(({ key, partition }) => homes.get(key) !== partition).length;
  const used = new Set(homes.values()).size;
  show(
    `each order stays in one partition (${strays} events elsewhere); ${orders.length} orders share ${used} partitions`,
    strays === 0 && used > 1,
  );
  const wrong = outOfOrder(rows);
  show(
    `${orders.length - wrong.length} of ${orders.length} orders were handled in order, 1 to ${VERSIONS}`,
    wrong.length === 0 && rows.length === sent.length,
  );

  const place = new Map(sent.map((each, at) => [each, at + 1]));
  const handled = rows.map(({ key, version }) => place.get(`${key}/${version}`) ?? 0);
  const back = handled.filter((at, index) => at < (handled[index - 1] ?? 0)).length;
  say(`Sent as 1, 2, 3 … ${sent.length}; handled as ${handled.slice(0, 8).join(', ')} …`);
  show(
    `across partitions the order is lost: ${back} times a later event came before an earlier one`,
    back > 0,
  );
}
