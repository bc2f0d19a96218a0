import { setting } from 'walpost/stack/settings';
import { emptyOrders, openSql } from './database.ts';
import { placeOrders } from './http-load.ts';
import type { Bench, Measurement, Side } from './measurement.ts';
import { ONE_STATEMENT, TWO_INSERTS } from './order-sql.ts';
import { INTAKE_PARTS } from './parts.ts';
import { pgbench } from './pgbench.ts';
import { startService } from './service-process.ts';

const CONNECTIONS = [1, 16, 64, 256];
const QUICK_CONNECTIONS = [1, 64];
/** Below the server's `max_connections`, which leaves room for the services. */
const MOST_CLIENTS = 128;

/** How many orders a second are taken in, against what the database alone can do. */
export const intake: Measurement = {
  name: 'intake',
  summary: 'POST /orders over HTTP, against the same inserts by pgbench',
  parts: INTAKE_PARTS,
  run,
};

async function run(bench: Bench): Promise<void> {
  const { stack, quick, say, compare } = bench;
  const seconds = 3;
  const sql = openSql(bench, 'orders');
  const url = await startService(bench, 'order');
  say('warming up');
  await placeOrders(url, 16, 3);

  for (const connections of quick ? QUICK_CONNECTIONS : CONNECTIONS) {
    const side = (label: string, rate: () => Promise<number>): Side => ({
      label,
      async sample() {
        await emptyOrders(sql);
        return { rate: await rate() };
      },
    });
    const clients = Math.min(connections, MOST_CLIENTS);
    const byPgbench = (label: string, script: string) =>
      side(`${label}, ${clients} clients`, () =>
        pgbench(stack, {
          database: 'orders',
          user: 'orders_app',
          password: setting(stack.env, 'ORDERS_PASSWORD'),
          clients,
          seconds,
          script,
        }),
      );
    await compare({
      title: `${connections} connection${connections === 1 ? '' : 's'}`,
      metrics: [{ name: 'rate', unit: 'orders/s', better: 'more' }],
      subject: side('POST /orders', () => placeOrders(url, connections, seconds)),
      references: [
        { ...byPgbench('pgbench, two inserts', TWO_INSERTS), goals: { rate: '0.75 (stretch 1.0)' } },
        byPgbench('pgbench, one statement', ONE_STATEMENT),
      ],
    });
  }
}
