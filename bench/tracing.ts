import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openSql, quiet } from './database.js';
import { placeOrders } from './http-load.js';
import type { Bench, Measurement, Side } from './measurement.js';
import { INTAKE_PARTS } from './parts.js';
import { startService } from './service-process.js';

const CONNECTIONS = 64;

/** What it costs to tell of every order. */
export const tracing: Measurement = {
  name: 'tracing',
  summary: 'POST /orders with traces switched on, against switched off',
  parts: INTAKE_PARTS,
  run,
};

async function run(bench: Bench): Promise<void> {
  const { quick, say, compare, defer } = bench;
  const sql = openSql(bench, 'orders');
  // Takes every batch of spans and keeps none.
  const collector = createServer((request, response) => {
    request.resume().on('end', () => response.setHeader('content-type', 'application/json').end('{}'));
  });
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  defer(() => collector.close());
  const { port } = collector.address() as AddressInfo;
  const on = await startService(bench, 'order', {
    name: 'traced-order',
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` },
  });
  const off = await startService(bench, 'order', { name: 'untraced-order', port: 1 });
  say('warming up');
  for (const url of [on, off]) await placeOrders(url, 16, 3);
  const side = (label: string, url: string): Side => ({
    label,
    async sample() {
      await quiet(sql);
      await sql`truncate orders, outbox`;
      await sql`checkpoint`;
      return { rate: await placeOrders(url, CONNECTIONS, quick ? 2 : 5) };
    },
  });
  await compare({
    title: `${CONNECTIONS} connections`,
    metrics: [{ name: 'rate', unit: 'orders/s', better: 'more' }],
    subject: side('on', on),
    references: [{ ...side('off', off), goals: { rate: '0.9' } }],
  });
}
