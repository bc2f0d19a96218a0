import { openSql } from './clients.ts';
import { openOrders, outboxParts, watchArrivals } from './order-outbox.ts';
import type { Scenario, Stage } from './stage.ts';

const SLOT = 'order_outbox';
const ORDERS = 3;
const MIB = 2 ** 20;
/** Other work of the database meanwhile: it is written to the same log. */
const OTHER_WORK_MIB = 64;

/** The price of reading the log: Postgres keeps it for whoever has not read it. */
export const stoppedRelay: Scenario = {
  name: 'stopped-relay',
  summary: 'a stopped connector makes Postgres keep its log: how much, up to where, and what says so',
  question:
    'The connector is stopped over the weekend. What happens to the orders, and what to the disk of Postgres?',
  parts: outboxParts,
  play,
};

async function play(stage: Stage): Promise<void> {
  const { say, show, eventually } = stage;
  const orders = await openOrders(stage);
  const arrivals = await watchArrivals(stage, 'stopped-relay', 'order-events');
  const sql = openSql(stage, 'orders');
  const slot = async () => {
    const [row] = await sql<{ active: boolean; kept: number; status: string; left: number }[]>`
      select active, (pg_current_wal_lsn() - restart_lsn)::float8 as kept, wal_status as status,
        safe_wal_size::float8 as left from pg_replication_slots where slot_name = ${SLOT}`;
    if (!row) throw new Error(`there is no slot ${SLOT}`);
    return row;
  };
  const first = await orders.place();
  await eventually('the first event', async () => arrivals.get(first));
  const before = await slot();

  say(
    `The connector is stopped. ${ORDERS} orders are placed, and the database writes ${OTHER_WORK_MIB} MiB of other things.`,
  );
  await stage.stack.operate('connectors', 'pause', 'order-outbox');
  const ids: string[] = [];
  for (let at = 0; at < ORDERS; at += 1) ids.push(await orders.place());
  await sql`create table stopped_relay_work (text text)`;
  stage.defer(() => sql`drop table stopped_relay_work`);
  await sql`alter table stopped_relay_work alter text set storage plain`;
  await sql`
    insert into stopped_relay_work (text)
    select repeat(md5(n::text), 32) from generate_series(1, ${OTHER_WORK_MIB * 1024}) as n`;
  show(
    `${ids.filter((id) => !arrivals.has(id)).length} of ${ORDERS} orders are taken in and announced to nobody`,
    ids.every((id) => !arrivals.has(id)),
  );
  const during = await slot();
  const grown = (during.kept - before.kept) / MIB;
  show(
    `the slot makes Postgres keep ${Math.round(grown)} MiB more of its log, all that was written since, by whomever`,
    grown >= OTHER_WORK_MIB,
  );
  show(
    `after ${Math.round(during.left / MIB)} MiB more Postgres gives the slot up (max_slot_wal_keep_size), rather than fill its disk`,
    during.status === 'reserved' || during.status === 'extended',
  );
  const said = (await stage.stack.walpost('doctor')).stdout
    .split('\n')
    .filter((line) => /order-outbox/.test(line));
  const finding = said.find((line) => /PAUSED|paused/.test(line)) ?? '';
  show(`doctor says: ${finding.replace(/\s+/g, ' ').trim()}`, finding !== '');

  say('The connector is resumed.');
  await stage.stack.operate('connectors', 'resume', 'order-outbox');
  await eventually('the waiting events', async () =>
    ids.every((id) => arrivals.has(id)) ? true : undefined,
  );
  const counts = ids.map((id) => arrivals.get(id)?.length);
  show(
    `${ORDERS} events have come, each once; late, and nothing is lost`,
    counts.every((count) => count === 1),
  );
  const after = await eventually('the log let go', async () => {
    await sql`checkpoint`;
    const now = await slot();
    return now.kept < during.kept / 2 ? now : undefined;
  });
  show(`the log that is kept is ${Math.round(after.kept / MIB)} MiB again`, after.kept < during.kept / 2);
}
