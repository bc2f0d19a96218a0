import type { Sql, TransactionSql } from 'postgres';
import { makeTopic, openAdmin, openProducer, openSql, orderNames } from './clients.ts';
import type { Scenario, Stage } from './stage.ts';

const TOPIC = 'scenario-ghost-event';
const ORDERS = orderNames(5);
/** Taken twice: only the commit sees that it cannot be. */
const SEAT = 'one seat';

/** An event that is sent before the commit announces what may never be. */
export const ghostEvent: Scenario = {
  name: 'ghost-event',
  summary: 'publish before commit announces an order that was rolled back; the outbox does not',
  question:
    'A service publishes its event, and then commits. Its database refuses the commit. What do the consumers know?',
  parts: ['postgres', 'kafka'],
  play,
};

async function play(stage: Stage): Promise<void> {
  const { say, show, eventually } = stage;
  const admin = await openAdmin(stage);
  await makeTopic(stage, admin, TOPIC, 1);
  const producer = await openProducer(stage);
  const sql = openSql(stage, 'postgres');
  // A constraint that is looked at when the transaction commits, as serializable transactions and lost connections fail.
  await sql`create table ghost_orders (id text, seat text unique deferrable initially deferred)`;
  await sql`create table ghost_outbox (key text)`;
  const eventsOf = async () => {
    const [end] = await admin.fetchTopicOffsets(TOPIC);
    return Number(end?.high);
  };
  const rowsOf = async (table: string) => (await sql`select from ${sql(table)}`).length;

  say(
    `${ORDERS.length} orders. Each: begin, insert, publish the event, commit. Two of them want the same seat.`,
  );
  await order(sql, async (_tx, key) => {
    await producer.send({ topic: TOPIC, messages: [{ key, value: 'OrderCreated' }] });
  });
  const events = await eventually('the events', async () =>
    (await eventsOf()) >= ORDERS.length ? eventsOf() : undefined,
  );
  const orders = await rowsOf('ghost_orders');
  show(
    `${orders} orders in the database, ${events} events on the topic: ${events - orders} announces an order that does not exist`,
    orders === ORDERS.length - 1 && events === ORDERS.length,
  );

  say('The same with an outbox: the event is a row of the same transaction.');
  await sql`truncate ghost_orders`;
  await order(sql, async (tx, key) => {
    await tx`insert into ghost_outbox (key) values (${key})`;
  });
  const [kept, rows] = [await rowsOf('ghost_orders'), await rowsOf('ghost_outbox')];
  show(
    `${kept} orders, ${rows} events for the relay to read: what is rolled back takes its event with it`,
    kept === rows,
  );
  show(
    `and it is the same order that is refused, ${ORDERS.length - kept} of ${ORDERS.length}`,
    kept === orders,
  );
  say('npm run scenario dual-write: the other way round, publish after commit, and the relay.');
}

/** Places the orders; the last one wants the seat of the one before it, and is refused at its commit. */
async function order(sql: Sql, publish: (tx: TransactionSql, key: string) => Promise<void>): Promise<void> {
  for (const [at, key] of ORDERS.entries()) {
    const seat = at >= ORDERS.length - 2 ? SEAT : key;
    await sql
      .begin(async (tx) => {
        await tx`insert into ghost_orders (id, seat) values (${key}, ${seat})`;
        await publish(tx, key);
      })
      .catch((error: { code?: string }) => {
        if (error.code !== '23505') throw error;
      });
  }
}
