import { randomUUID } from 'node:crypto';
import { createRegistry } from '@walpost/kit/contract/registry';
import { contract } from '../../schemas/contract.generated.ts';
import { brokersOf, databaseOf, kafkaOf, makeTopic, openAdmin, openSql, setting } from './clients.ts';
import { outboxParts } from './order-outbox.ts';
import type { LateEvent } from './programs/publish-after-commit.ts';
import type { OutboxOrder } from './programs/publish-by-outbox.ts';
import type { Scenario, Stage } from './stage.ts';

const TOPIC = 'scenario-dual-write';
const KILLS = 3;

/** Two writes that no transaction holds together, against one. */
export const dualWrite: Scenario = {
  name: 'dual-write',
  summary: 'publish after commit loses the event when killed in between; the outbox does not',
  question: 'A process is killed between its commit and the publishing of its event. Who notices?',
  parts: outboxParts,
  play,
};

async function play(stage: Stage): Promise<void> {
  await playDualWrite(stage);
  await playOutbox(stage);
}

async function playDualWrite(stage: Stage): Promise<void> {
  const { say, show } = stage;
  const admin = await openAdmin(stage);
  await makeTopic(stage, admin, TOPIC, 1);
  const sql = openSql(stage, 'orders');
  await sql`create table dual_write_orders (id uuid primary key)`;
  const publish = (kill: boolean) => {
    const task: LateEvent = {
      database: databaseOf(stage, 'orders', 'postgres', 'POSTGRES_PASSWORD'),
      brokers: brokersOf(stage),
      topic: TOPIC,
      orderId: randomUUID(),
      kill,
    };
    return runProgram(stage, 'publish-after-commit', task, kill);
  };
  const counts = async () => {
    const [row] = await sql<{ n: number }[]>`select count(*)::int as n from dual_write_orders`;
    const [end] = await admin.fetchTopicOffsets(TOPIC);
    return { orders: row?.n ?? 0, events: Number(end?.high) };
  };

  say('The dual write: commit the order, then publish its event with a Kafka producer.');
  await publish(false);
  const calm = await counts();
  show(
    `on a calm day: ${calm.orders} order in the database, ${calm.events} event on the topic`,
    calm.events === 1,
  );
  say(`${KILLS} more orders, and each time the process is killed (kill -9) between the two.`);
  for (let at = 0; at < KILLS; at += 1) await publish(true);
  const { orders, events } = await counts();
  show(
    `${orders} orders in the database, ${events} event on the topic: ${orders - events} orders that nobody ever hears of`,
    orders === 1 + KILLS && events === 1,
  );
}

async function playOutbox(stage: Stage): Promise<void> {
  const { say, show } = stage;
  say('The outbox: order and event are written in one transaction; Debezium reads the event from the log.');
  await stage.stack.operate('connectors', 'apply', 'order-outbox');
  const registry = createRegistry({ url: setting(stage, 'SCHEMA_REGISTRY_URL') });
  const schemaId = await registry.idOf(contract.eventType('OrderCreated'));

  say(`${KILLS} orders, and each time the process is killed right after the commit.`);
  const keys = Array.from({ length: KILLS }, () => randomUUID());
  for (const idempotencyKey of keys) {
    const task: OutboxOrder = {
      database: databaseOf(stage, 'orders', 'orders_app', 'ORDERS_PASSWORD'),
      schemaId,
      idempotencyKey,
    };
    await runProgram(stage, 'publish-by-outbox', task, true);
  }
  const sql = openSql(stage, 'orders');
  const rows = await sql<{ id: string }[]>`select id from orders where idempotency_key in ${sql(keys)}`;
  const ids = rows.map(({ id }) => id);
  const arrived = await arrivals(stage, ids);
  show(
    `${ids.length} orders in the database, ${arrived.length} events on order-events: none is lost, none is doubled`,
    ids.length === KILLS && arrived.length === KILLS && new Set(arrived).size === KILLS,
  );
}

/** Runs one of the programs and insists that it ended as it was to. */
async function runProgram(stage: Stage, name: string, task: object, killed: boolean): Promise<void> {
  const script = `dist/programs/${name}.js`;
  const { code, stderr } = await stage.stack.run('node', [script, JSON.stringify(task)]);
  if (code !== (killed ? null : 0)) throw new Error(`${name} ended with exit ${code}: ${stderr}`);
}

/** Waits until each of the orders has its OrderCreated on the topic. @returns the order id of each such event */
async function arrivals(stage: Stage, ids: readonly string[]): Promise<string[]> {
  const consumer = kafkaOf(stage).consumer({ groupId: `dual-write-${randomUUID()}`, maxWaitTimeInMs: 100 });
  await consumer.connect();
  try {
    await consumer.subscribe({ topic: 'order-events', fromBeginning: true });
    const seen: string[] = [];
    await consumer.run({
      eachMessage: async ({ message: { key, headers } }) => {
        if (String(headers?.['ce_type']) === contract.eventType('OrderCreated').fullName)
          seen.push(String(key));
      },
    });
    return await stage.eventually('the events of the killed orders', async () =>
      ids.every((id) => seen.includes(id)) ? seen.filter((key) => ids.includes(key)) : undefined,
    );
  } finally {
    await consumer.disconnect();
  }
}
