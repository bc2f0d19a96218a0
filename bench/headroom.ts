import { quiet } from './database.js';
import { placeOrders } from './http-load.js';
import type { Bench, Measurement } from './measurement.js';
import { RELAY_PARTS } from './parts.js';
import { openRelay } from './relay-process.js';
import { startService } from './service-process.js';

const CONNECTIONS = 64;

/** Whether the relay keeps up with the most orders that can be taken in. */
export const headroom: Measurement = {
  name: 'headroom',
  summary: 'Debezium draining orders, against the rate at which they were taken in over HTTP',
  parts: [...RELAY_PARTS, 'registry', 'schemas'],
  takesLong: true,
  run,
};

async function run(bench: Bench): Promise<void> {
  const { quick, say, compare } = bench;
  const seconds = quick ? 3 : 15;
  say('registering the connector');
  const { sql, drain } = await openRelay(bench);
  const url = await startService(bench, 'order');
  await placeOrders(url, CONNECTIONS, 3);

  const waiting = async () => {
    await quiet(sql);
    const [row] = await sql<{ n: number }[]>`select count(*)::int as n from outbox`;
    return row?.n ?? 0;
  };
  await drain(await waiting());
  let drained = await waiting();
  const takeIn = () => placeOrders(url, CONNECTIONS, seconds);
  await compare({
    title: `${CONNECTIONS} connections`,
    metrics: [{ name: 'rate', unit: 'orders/s', better: 'more' }],
    subject: {
      label: 'Debezium to Kafka, once it streams',
      async sample() {
        if ((await waiting()) === drained) await takeIn();
        const written = await waiting();
        const { streaming } = await drain(written - drained);
        drained = written;
        return { rate: streaming };
      },
    },
    references: [
      {
        label: 'POST /orders',
        goals: { rate: '3 (stretch 5)' },
        sample: async () => ({ rate: await takeIn() }),
      },
    ],
  });
}
