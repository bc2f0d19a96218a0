import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readConnectors } from '../read-connectors.ts';

let status = 200;
let body = '';
let url: string;
const server = createServer((_, response) => response.writeHead(status).end(body));
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

test('connectors and tasks come in one list, by their names', async () => {
  const of = (state: string, trace?: string) => ({ state, worker_id: 'w:1', ...(trace && { trace }) });
  const failed = of('FAILED', 'org.apache.kafka.ConnectException: no slot\n\tat …');
  body = JSON.stringify({
    b: { status: { connector: of('RUNNING'), tasks: [{ id: 0, ...failed }] } },
    a: { status: { connector: of('PAUSED'), tasks: [] } },
    gone: {},
  });
  expect(await readConnectors({ url })).toEqual([
    { name: 'a', state: 'PAUSED', worker: 'w:1', error: null, tasks: [] },
    {
      name: 'b',
      state: 'RUNNING',
      worker: 'w:1',
      error: null,
      tasks: [{ id: 0, state: 'FAILED', worker: 'w:1', error: 'ConnectException: no slot' }],
    },
  ]);
});

test.each([
  [200, '<html>Welcome</html>', 'what is there is not Kafka Connect'],
  [200, '"hello"', 'what is there is not Kafka Connect'],
  [401, '', 'it answered 401'],
])('an answer %d %s is no list', async (given, text, why) => {
  [status, body] = [given, text];
  await expect(readConnectors({ url })).rejects.toThrow(`Kafka Connect at ${url} does not answer: ${why}`);
});
