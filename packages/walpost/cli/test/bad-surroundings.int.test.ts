import { createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { walpost } from '../../testing/run-cli.ts';

/** What answers where a server should be, called for each connection. */
const servers: Record<string, (socket: Socket) => void> = {
  'says nothing': () => undefined,
  'hangs up': (socket) => socket.destroy(),
  'talks nonsense': (socket) => void socket.end(Buffer.from([0, 0, 0, 9, 255, 1, 2, 3, 4, 5, 6, 7, 8, 10])),
  'sends half an answer': (socket) =>
    void socket.once('data', () => {
      socket.end('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n{"half":');
    }),
  'answers with a page': (socket) =>
    void socket.once('data', () => {
      socket.end('HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 15\r\n\r\n<html>hi</html>');
    }),
  'says 500': (socket) =>
    void socket.once('data', () => {
      socket.end('HTTP/1.1 500 Oops\r\ncontent-length: 4\r\n\r\nOops');
    }),
};

const ID = '01890a5d-ac96-774b-bcce-b302099a8057';
const commands = [
  ['schemas', 'list', '--wait', '0'],
  ['connectors', 'status', '--wait', '0'],
  ['groups', 'list', '--wait', '0'],
  ['dead-letters', 'list', '--wait', '0'],
  ['outbox', 'audit', '--wait', '0'],
  ['trace', ID, '--wait', '0'],
];

/** Everything at one port. */
function surroundings(port: number): Record<string, string> {
  return {
    KAFKA_BROKERS: `127.0.0.1:${port}`,
    SCHEMA_REGISTRY_URL: `http://127.0.0.1:${port}`,
    CONNECT_URL: `http://127.0.0.1:${port}`,
    POSTGRES_HOST: '127.0.0.1',
    POSTGRES_PORT: String(port),
    ORDERS_PASSWORD: 'x',
    PAYMENTS_PASSWORD: 'x',
    INVENTORY_PASSWORD: 'x',
    NOTIFICATIONS_PASSWORD: 'x',
    OBSERVER_PASSWORD: 'x',
  };
}

/** One line or a few, none of them of a stack trace, and an exit code that says so. */
function expectPlainFailure({ code, stdout, stderr }: Awaited<ReturnType<typeof walpost>>): void {
  expect({ code, stdout, stderr }).toMatchObject({ code: 1, stderr: expect.stringMatching(/^walpost: \S/) });
  expect(stderr).not.toMatch(/unexpected:|\n\s+at .+:\d+/);
  expect(stderr.trim().split('\n').length).toBeLessThanOrEqual(8);
}

describe.each(Object.keys(servers))('a server that %s', (kind) => {
  let server: Server;
  let port: number;
  const sockets = new Set<Socket>();
  beforeAll(async () => {
    server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
      servers[kind]?.(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    port = address.port;
  });
  afterAll(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });

  test('ends every command in one clear line', async () => {
    for (const run of await Promise.all(commands.map((args) => walpost(args, surroundings(port)))))
      expectPlainFailure(run);
  });
});

test('nobody there ends every command in one clear line', async () => {
  for (const run of await Promise.all(commands.map((args) => walpost(args, surroundings(1)))))
    expectPlainFailure(run);
});

test.each([
  [['no-such-command']],
  [['outbox']],
  [['outbox', 'audit', '--since', 'yesterday']],
  [['outbox', 'audit', '--last', '0']],
  [['outbox', 'replay', '--last']],
  [['outbox', 'audit', '--since', '2026-01-02', '--until', '2026-01-01']],
  [['trace']],
  [['dead-letters', 'show', '0', '--service', 'order']],
  [['dead-letters', 'replay', '--service', 'nobody', '--all']],
  [['connectors', 'apply', '--timeout', '-3']],
])('%j is called wrongly: exit code 2', async (args) => {
  const { code, stderr } = await walpost(args, surroundings(1));
  expect({ args, code }).toEqual({ args, code: 2 });
  expect(stderr).not.toMatch(/unexpected:|\n\s+at .+:\d+/);
});
