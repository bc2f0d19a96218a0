import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { withSpan } from '@walpost/kit/telemetry/trace';
import { emptyOrders, openSql } from './database.ts';
import { placeOrders } from './http-load.ts';
import { type Bench, BenchError, type Measurement } from './measurement.ts';
import { INTAKE_PARTS } from './parts.ts';
import { startService } from './service-process.ts';

const CONNECTIONS = [16, 64];
/** Where a share of the orders is traced, and tracing is off. */
const MOST = 64;
const CALLS = 200_000;
/** Two processes of the same service differ by more than a tenth: each sample is of a new one. */
const TIMES = 2;
const WARM_UP_SECONDS = 3;
const SECONDS = 4;

/** What it costs to trace every order. */
export const tracing: Measurement = {
  name: 'tracing',
  summary: 'POST /orders with traces switched on, against switched off',
  parts: INTAKE_PARTS,
  takesLong: true,
  run,
};

async function run(bench: Bench): Promise<void> {
  const { stack, quick, say, compare } = bench;
  const sql = openSql(bench, 'orders');
  const traced = { OTEL_EXPORTER_OTLP_ENDPOINT: await startCollector(bench) };
  const sampled = {
    ...traced,
    OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
    OTEL_TRACES_SAMPLER_ARG: '0.1',
  };
  say('starting the services');
  let services = 0;
  const prepare = async (name: string, env: Readonly<Record<string, string>>) => {
    const url = await startService(bench, 'order', { name, port: services++, env });
    await stack.stop(name);
    return { name, url };
  };
  const on = await prepare('traced-order', traced);
  const some = await prepare('sampled-order', sampled);
  const off = await prepare('untraced-order', {});

  const place = async ({ name, url }: typeof on, connections: number) => {
    await stack.start(name);
    await placeOrders(url, connections, WARM_UP_SECONDS);
    await emptyOrders(sql);
    const before = await cpuOf(url);
    const rate = await placeOrders(url, connections, SECONDS);
    const cpu = ((await cpuOf(url)) - before) / (rate * SECONDS);
    await stack.stop(name);
    return { rate, cpu };
  };
  const against = (label: string, service: typeof on, connections: number) =>
    compare({
      title: `${connections} connections`,
      metrics: [
        { name: 'rate', unit: 'orders/s', better: 'more' },
        { name: 'cpu', unit: 'µs/order', better: 'less' },
      ],
      subject: { label, sample: () => place(service, connections) },
      references: [{ label: 'off', sample: () => place(off, connections), goals: { rate: '0.9' } }],
      times: quick ? 1 : TIMES,
    });
  for (const connections of CONNECTIONS) await against('on', on, connections);
  await against('on, one order in ten', some, MOST);
  await compare({
    title: 'switched off',
    metrics: [{ name: 'time', unit: 'µs', better: 'less' }],
    subject: {
      label: 'what is left of it in an order',
      sample: async () => ({ time: await callsWithoutSpan() }),
    },
    references: [
      {
        label: `an order, ${MOST} connections`,
        goals: { time: '0.02' },
        sample: async () => ({ time: 1_000_000 / (await place(off, MOST)).rate }),
      },
    ],
  });
}

/** @returns how long a service's process has computed since it began, µs; it reports that at `/metrics` */
async function cpuOf(url: string): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  const [, seconds] = /^process_cpu_seconds_total\S* (\S+)$/m.exec(metrics) ?? [];
  if (seconds === undefined) throw new BenchError(`${url}/metrics reports no process_cpu_seconds_total`);
  return Number(seconds) * 1_000_000;
}

/** Takes every batch of spans and keeps none. @returns its URL */
async function startCollector({ defer }: Bench): Promise<string> {
  const collector = createServer((request, response) => {
    request.resume().on('end', () => response.setHeader('content-type', 'application/x-protobuf').end());
  });
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  defer(() => collector.close());
  const { port } = collector.address() as AddressInfo;
  return `http://127.0.0.1:${port}`;
}

/**
 * An order passes one span, and makes the header that the outbox hands on, when nothing is traced. The hooks of HTTP are
 * not even there.
 *
 * @returns µs for each order
 */
async function callsWithoutSpan(): Promise<number> {
  const begun = performance.now();
  for (let at = 0; at < CALLS; at++) {
    await withSpan('INSERT orders, outbox', { parent: undefined }, async () => undefined);
  }
  return ((performance.now() - begun) / CALLS) * 1_000;
}
