import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { eventually } from '../../testing/support.ts';
import { createSampleLoad, MAX_PER_SECOND, type SampleLoad } from '../sample-load.ts';

const sample = { path: '/parcels', body: (n: number) => ({ n }) };

let load: SampleLoad | undefined;
afterEach(() => load?.close());

test('it keeps to the rate and to its bound, counts, and stops', async () => {
  let answered = 0;
  const api = createServer((request, response) => {
    request.resume();
    answered += 1;
    response.writeHead(answered % 5 === 0 ? 503 : 201).end('{}');
  });
  await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve));
  load = createSampleLoad(`http://127.0.0.1:${(api.address() as AddressInfo).port}`, sample);
  load.set(1_000_000);
  expect(load.state().perSecond).toBe(MAX_PER_SECOND);
  await eventually(async () => ((load?.state().placed ?? 0) >= 20 ? true : undefined));
  expect(load.state().endsAt).toBeLessThanOrEqual(Date.now() + 300_000);
  load.set(0);
  // Closing gives up what is not answered yet.
  const { failed, endsAt, error } = await eventually(async () => {
    const state = load?.state();
    return state && state.placed + state.failed === answered ? state : undefined;
  });
  expect(failed).toBeGreaterThan(0);
  expect(error).toContain('/parcels answered 503');
  expect(endsAt).toBeNull();
  api.close();
});

test('a service that is away is said, with its address', async () => {
  load = createSampleLoad('http://127.0.0.1:1', sample);
  load.set(10);
  await eventually(async () => load?.state().error ?? undefined);
  expect(load.state().error).toMatch(/^http:\/\/127\.0\.0\.1:1: /);
});
