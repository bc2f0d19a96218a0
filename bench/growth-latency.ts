import { openSql } from './database.js';
import { openGrowingFlow } from './growing-flow.js';
import { openGrowingOutbox } from './growing-outbox.js';
import type { Bench, Measurement } from './measurement.js';
import { FLOW_METRICS } from './order-flow.js';
import { STREAM_PARTS } from './parts.js';
import { CALM } from './relay-sample.js';
import { resizeInbox } from './resize.js';
import { startService } from './service-process.js';
import { compareSizes, each, sizesOf, thereAndBack } from './sizes.js';

/** Whether an order is on its way as short a time when there is much of everything. */
export const growthLatency: Measurement = {
  name: 'growth-latency',
  summary: 'commit of an order to its handler and to CONFIRMED as tables and topics grow',
  parts: STREAM_PARTS,
  takesLong: true,
  run,
};

async function run(bench: Bench): Promise<void> {
  const { quick, say, repeats } = bench;
  const outbox = await openGrowingOutbox(bench);
  const inboxes = [outbox.sql, openSql(bench, 'payments'), openSql(bench, 'inventory')];
  const flow = await openGrowingFlow(bench, await startService(bench, 'order'));
  const seconds = quick ? 2 : 5;
  say('warming up');
  await flow.sample(0, seconds);
  const found = new Map(sizesOf(bench).map((size) => [size, [] as Record<string, number>[]]));
  await thereAndBack(found, async (size, samples) => {
    say(`making it ${each(size)}`);
    await outbox.resize(size);
    for (const sql of inboxes) await resizeInbox(sql, size);
    say(each(size));
    samples.push(...(await flow.sample(repeats, seconds)));
  });
  await compareSizes(bench, `one order at ${CALM}/s`, FLOW_METRICS, (size) => found.get(size) ?? []);
}
