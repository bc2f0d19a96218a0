import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from '@jest/globals';
import type { Config } from '../../config.ts';
import { checkServices } from '../check-services.ts';

test.each([
  ['loan-events/2 is paused: relation "totals" does not exist', ['npx walpost migrate tracking']],
  [
    'loan-events/2 is paused: column "branch" of relation "totals" does not exist',
    ['npx walpost migrate tracking'],
  ],
  ['connect ECONNREFUSED 127.0.0.1:9092', []],
])('of a service that is not ready because of %j the fix is %j', async (consumer, fixes) => {
  const server = createServer((_request, response) => {
    response.writeHead(503).end(JSON.stringify({ status: 'unavailable', problems: { consumer } }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const addresses = { tracking: `http://127.0.0.1:${port}` };
  try {
    const [check] = await checkServices({ addresses } as unknown as Config);
    expect(check).toMatchObject({ state: 'fail', text: expect.stringContaining(consumer), help: fixes });
  } finally {
    server.close();
  }
});
