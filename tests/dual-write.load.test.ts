import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createRegistry } from '@walpost/kit/contract/registry';
import { setting } from 'walpost/testing/support';
import { diagnose } from '../lab/faults/check/checks.ts';
import { collect, readStock } from '../lab/faults/collect.ts';
import { waitUntilIdle } from '../lab/faults/heal.ts';
import { type Lab, openLab } from '../lab/faults/lab.ts';
import { startLoad } from '../lab/faults/load.ts';
import { contract } from '../schemas/contract.generated.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab?.close());

// What the checker finds when there is something to find: the same system, load and checks, with orders taken in by a
// service that publishes after its commit (lab/bench/alternatives/dual-write-shop.ts).
test('publish after commit, killed under load, loses events, and the checker sees which', async () => {
  const { stack, env } = lab;
  const [port] = stack.sparePorts;
  const registry = createRegistry({ url: setting(env, 'SCHEMA_REGISTRY_URL') });
  await stack.spawn('shop', 'dist/alternatives/dual-write-shop.js', Number(port), {
    ALTERNATIVE_PORT: String(port),
    ALTERNATIVE_SCHEMA_ID: String(await registry.idOf(contract.eventType('OrderCreated'))),
  });
  const before = await readStock(lab);
  const load = { url: `http://127.0.0.1:${port}`, seed: 1, orders: 500, rate: 50 };
  const { asks, done } = startLoad({ ...load, giveUp: new AbortController().signal });
  for (let kill = 0; kill < 4; kill++) {
    // Long enough for a few dozen orders; which of them the kill hits is chance.
    await delay(1_500);
    await stack.kill('shop');
    await stack.ready('shop');
  }
  await done;
  // It never becomes idle: orders without an event wait for ever.
  await waitUntilIdle(lab, [], 15);
  const journal = { asks, planted: [], attempts: [], stalls: [], repeats: false };
  const findings = diagnose(await collect(lab, journal, before));
  const found = (name: RegExp) => [...findings].find(([check]) => name.test(check))?.[1] ?? [];
  const unpaid = found(/^money/).filter(({ text }) => text === 'has no payment');
  expect(unpaid.length).toBeGreaterThan(0);
  const unended = new Set(found(/^every order has ended/).map(({ order }) => order));
  expect(unpaid.every(({ order }) => unended.has(order))).toBe(true);
});
