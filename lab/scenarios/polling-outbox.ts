import { setTimeout as delay } from 'node:timers/promises';
import { brokersOf, makeTopic, openAdmin, openConsumer, openProducer, openSql, setting } from './clients.ts';
import { openOrders, outboxParts, watchArrivals } from './order-outbox.ts';
import type { Poll } from './programs/poll-outbox.ts';
import type { Scenario, Stage } from './stage.ts';

const TOPIC = 'scenario-polling-outbox';
const EVERY = 2_000;
const ORDERS = 9;
/** Who holds up the commit of an order: a lock that its transaction asks for last. */
const LATE = 'late';
const LOCK = 4711;

/** An outbox that a process of its own asks for what is new, beside a relay that reads the log; both on the same rows. */
export const pollingOutbox: Scenario = {
  name: 'polling-outbox',
  summary:
    'an outbox that is polled: nothing lost while Kafka is down, but late, and two ways to get it wrong',
  question:
    'A process asks the outbox every two seconds for rows with id > last. Which events does it never see?',
  parts: outboxParts,
  play,
};

async function play(stage: Stage): Promise<void> {
  const { say, show, stack, eventually } = stage;
  const admin = await openAdmin(stage);
  await makeTopic(stage, admin, TOPIC, 1);
  const orders = await openOrders(stage);
  const sql = openSql(stage, 'orders');
  await sql`create table poll_outbox (last uuid not null)`;
  await sql`insert into poll_outbox (last)
    select coalesce((select id from outbox order by id desc limit 1), '00000000-0000-0000-0000-000000000000')`;
  const task: Poll = {
    database: {
      host: setting(stage, 'POSTGRES_HOST'),
      port: Number(setting(stage, 'POSTGRES_PORT')),
      username: 'postgres',
      password: setting(stage, 'POSTGRES_PASSWORD'),
      database: 'orders',
    },
    brokers: brokersOf(stage),
    topic: TOPIC,
    every: EVERY,
  };
  const poller = stack.run('node', ['dist/programs/poll-outbox.js', JSON.stringify(task)]);
  stage.defer(async () => {
    await sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'poll-outbox'`;
    await poller;
  });
  const polled = await watchArrivals(stage, 'polling-outbox-polled', TOPIC);
  const tailed = await watchArrivals(stage, 'polling-outbox-tailed', 'order-events');
  const both = (ids: readonly string[]) =>
    eventually('events by both ways', async () =>
      ids.every((id) => polled.has(id) && tailed.has(id)) ? true : undefined,
    );

  say(
    `One outbox. A process asks it for new rows (id > last) each ${EVERY} ms and publishes them; Debezium reads the log.`,
  );
  await both([await orders.place()]);
  const placed = new Map<string, number>();
  for (let at = 0; at < ORDERS; at += 1) {
    placed.set(await orders.place(), Date.now());
    await delay(EVERY / 3);
  }
  await both([...placed.keys()]);
  const wait = (arrivals: Map<string, number[]>) =>
    median([...placed].map(([id, time]) => (arrivals.get(id)?.[0] ?? 0) - time));
  show(
    `${ORDERS} orders, all of them announced by both; half of them within ${wait(polled)} ms by polling, ${wait(tailed)} ms from the log`,
    wait(polled) > wait(tailed),
  );

  say(
    'Kafka is stopped, 3 orders are placed, and Kafka is started again. The process tries again, as the relay does.',
  );
  await stack.stop('kafka');
  const meanwhile = [await orders.place(), await orders.place(), await orders.place()];
  await stack.start('kafka');
  await both(meanwhile);
  const told = meanwhile.filter((id) => polled.has(id) && tailed.has(id)).length;
  show(
    `${told} of ${meanwhile.length} are announced by both: what is in a table waits`,
    told === meanwhile.length,
  );

  say('Now an order whose transaction began first and commits last: its row has the smaller id.');
  const release = await holdCommits(stage);
  const late = orders.place(LATE);
  await eventually('the late order at its commit', async () => {
    const [row] =
      await sql`select from pg_locks where locktype = 'advisory' and objid = ${LOCK} and not granted`;
    return row ? true : undefined;
  });
  const quick = await orders.place();
  // No longer than that: a statement of the service gives up after 15 s.
  await eventually('the poller past its id', async () => {
    const [row] =
      await sql`select from poll_outbox, outbox where outbox.aggregateid = ${quick} and poll_outbox.last >= outbox.id`;
    return row ? true : undefined;
  });
  await release();
  const lateId = await late;
  await eventually('the late event from the log', async () => tailed.get(lateId));
  const last = await orders.place();
  await both([last]);
  show(
    'the log shows it, for commits are there in their order; the poller has gone past its id and never will',
    tailed.has(lateId) && !polled.has(lateId),
  );

  say(
    'The usual fix is a mark on each row, and two pollers that skip what the other has locked (SKIP LOCKED).',
  );
  const order = await skipLocked(stage);
  show(
    `two events of one order, 1 and 2, are published as ${order.join(', ')}: the second poller overtook the first`,
    order.join() === '2,1',
  );
}

/** Has orders of one customer wait at their commit. @returns lets them go */
async function holdCommits(stage: Stage): Promise<() => Promise<void>> {
  const sql = openSql(stage, 'orders');
  await sql`select pg_advisory_lock(${LOCK})`;
  await sql.unsafe(`
    create function wait_at_commit() returns trigger language plpgsql set lock_timeout = 0 as
      $$ begin perform pg_advisory_xact_lock(${LOCK}); return null; end $$;
    create constraint trigger late after insert on orders deferrable initially deferred
      for each row when (new.customer_id = '${LATE}') execute function wait_at_commit()`);
  return async () => {
    await sql`select pg_advisory_unlock(${LOCK})`;
    await sql.unsafe('drop trigger late on orders; drop function wait_at_commit()');
  };
}

/** Publishes two rows of one key by two pollers, the first of which is slow. @returns the versions as the topic has them */
async function skipLocked(stage: Stage): Promise<number[]> {
  const topic = `${TOPIC}-skip-locked`;
  const admin = await openAdmin(stage);
  await makeTopic(stage, admin, topic, 1);
  const producer = await openProducer(stage);
  const sql = openSql(stage, 'postgres');
  await sql`create table skip_locked_outbox (version integer primary key, published boolean not null default false)`;
  await sql`insert into skip_locked_outbox (version) values (1), (2)`;
  const poll = async (beforeSending: () => Promise<void>) => {
    await openSql(stage, 'postgres').begin(async (tx) => {
      const [row] = await tx<{ version: number }[]>`
        select version from skip_locked_outbox where not published order by version limit 1 for update skip locked`;
      await beforeSending();
      await producer.send({ topic, messages: [{ key: 'order-01', value: String(row?.version) }] });
      await tx`update skip_locked_outbox set published = true where version = ${row?.version ?? 0}`;
    });
  };
  await poll(() => poll(async () => undefined));
  const versions: number[] = [];
  const consumer = await openConsumer(stage, topic);
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => {
      versions.push(Number(message.value));
    },
  });
  return stage.eventually('both events', async () => (versions.length === 2 ? versions : undefined));
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;
}
