import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestSystem, testSystem } from 'walpost/testing';
import system from '../walpost.config.ts';

// A real Postgres, Kafka, Debezium and registry, and every service of the project.
let walpost: TestSystem;
beforeAll(async () => {
  walpost = await testSystem(system);
}, 300_000);
afterAll(() => walpost?.close());

async function send(customerId: string): Promise<string> {
  const response = await fetch(`${walpost.url('__publisher__')}/__publisher__`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ customerId, quantity: 2 }),
  });
  expect(response.status).toBe(201);
  return ((await response.json()) as { id: string }).id;
}

async function totalOf(customerId: string): Promise<unknown> {
  const response = await fetch(`${walpost.url('__consumer__')}/totals`);
  const totals = (await response.json()) as { customer_id: string }[];
  return totals.find((total) => total.customer_id === customerId);
}

test('what is created is published and counted, each once', async () => {
  const id = await send('ada');
  await walpost.settled();
  expect(await walpost.published('__publisher__-events', id)).toMatchObject([
    { type: '__Publisher__Created', version: 1, data: { customerId: 'ada', quantity: 2 } },
  ]);
  expect(await totalOf('ada')).toEqual({ customer_id: 'ada', events: 1, quantity: 2 });
}, 120_000);

test('a relay that is killed loses nothing', async () => {
  await walpost.killRelay();
  const ids = await Promise.all(['bob', 'bob', 'bob'].map(send));
  await walpost.settled();
  expect(new Set(ids).size).toBe(3);
  expect(await totalOf('bob')).toEqual({ customer_id: 'bob', events: 3, quantity: 6 });
}, 300_000);
