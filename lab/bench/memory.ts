import { readFileSync } from 'node:fs';
import { connectorsOf } from './connectors.ts';
import { openSql } from './database.ts';
import { paceOrders } from './http-load.ts';
import { type Bench, BenchError, type Measurement, type Side } from './measurement.ts';
import { SYSTEM_PARTS } from './parts.ts';
import { percentile } from './statistics.ts';

const CONNECTORS = ['order-outbox', 'payment-outbox', 'inventory-outbox'];
const PROCESSES = ['order', 'payment', 'inventory', 'notification', 'connect', 'kafka', 'registry'];
const RATE = 50;

/** Whether anything grows while the system works. */
export const memory: Measurement = {
  name: 'memory',
  summary: 'resident memory of each process under a steady load, at its end against after warming up',
  parts: SYSTEM_PARTS,
  takesLong: true,
  run,
};

async function run(bench: Bench): Promise<void> {
  const { stack, quick, say, compare } = bench;
  const minutes = quick ? 0.25 : 10;
  const inventory = openSql(bench, 'inventory');
  await inventory`update stock set on_hand = 1000000000 where sku in ('BOOK-1', 'MUG-1')`;
  const connectors = connectorsOf(stack);
  await connectors.apply(CONNECTORS);
  bench.defer(() => connectors.remove(CONNECTORS));
  const url = `http://127.0.0.1:${stack.env['ORDER_PORT']}`;

  const series = new Map(PROCESSES.map((name): [string, number[]] => [name, []]));
  const turns = Math.ceil(minutes * 12);
  for (let turn = 0; turn < turns; turn++) {
    say(`${RATE} orders/s, ${turn} of ${turns} turns of 5 s`);
    await paceOrders(url, RATE, 5);
    for (const [name, values] of series) values.push(residentMegabytes(name, stack.pid(name)));
  }
  for (const [name, values] of series) {
    // The first minute warms up, the next is what the last one is compared with.
    const minute = Math.max(1, Math.floor(values.length / (minutes > 2 ? minutes : 3)));
    const warm = percentile(values.slice(minute, 2 * minute).toSorted(ascending), 0.5);
    const end = percentile(values.slice(-minute).toSorted(ascending), 0.5);
    const goals = { resident: ['connect', 'kafka', 'registry'].includes(name) ? '1.0' : '1.0, below 150 MB' };
    await compare({
      title: `${name}, ${minutes} min at ${RATE} orders/s`,
      metrics: [{ name: 'resident', unit: 'MB', better: 'less' }],
      subject: seen('at the end', end),
      references: [{ ...seen('after warming up', warm), goals }],
    });
  }
}

/** What has been measured already. */
const seen = (label: string, resident: number): Side => ({ label, sample: async () => ({ resident }) });

const ascending = (a: number, b: number) => a - b;

function residentMegabytes(name: string, pid: number | undefined): number {
  if (pid === undefined) throw new BenchError(`${name} is not running`);
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1024;
}
