import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { expect, test } from '@jest/globals';
import type { SslMode } from '../../environment.ts';
import { openSocket } from '../database-socket.ts';

/** The messages that a client hears until its connection is closed, by a server that does this with it. */
async function heardOf(
  answer: (client: Socket) => void,
  sslMode: SslMode,
  { silentFor = 5_000, startup = '' } = {},
): Promise<string[]> {
  const clients = new Set<Socket>();
  const server = createServer((client) => {
    clients.add(client);
    client.on('error', () => undefined).resume();
    answer(client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    const socket = await openSocket({ host: '127.0.0.1', port, sslMode }, silentFor);
    if (startup) socket.write(startup);
    const heard: string[] = [];
    socket.on('error', ({ message }) => heard.push(message)).resume();
    await new Promise((resolve) => socket.on('close', resolve));
    return heard;
  } finally {
    for (const client of clients) client.destroy();
    server.close();
  }
}

/** The driver asks between both, and forgets what it asked. */
const twice = (message: string) => [message, message];

test('a server that does not say a word any more is given up', async () => {
  const heard = await heardOf(() => undefined, 'disable', { silentFor: 50, startup: 'hello' });
  expect(heard).toEqual(twice('no data received for 50 ms'));
});

test('a polite end is an error', async () => {
  expect(await heardOf((client) => void client.end(), 'disable')).toEqual(
    twice('the server closed the connection'),
  );
});

test.each([
  ['refuses', 'N'],
  ['says more than that it is willing', 'SE'],
])('a server that %s when it is asked for TLS is spoken to no more', async (_what, answer) => {
  let asked = '';
  const heard = await heardOf((client) => {
    client.on('data', (bytes) => {
      asked += bytes.toString('hex');
    });
    client.write(answer);
  }, 'verify-full');
  expect(heard).toEqual(twice('the server at 127.0.0.1 does not speak TLS'));
  // SSLRequest, and nothing that was not encrypted after it.
  expect(asked).toBe('0000000804d2162f');
});

test.each([
  ['hangs up', (client: Socket) => void client.end(), 'the server closed the connection'],
  [
    'is willing, and hangs up',
    (client: Socket) => void client.once('data', () => client.end('S')),
    'Client network socket disconnected before secure TLS connection was established',
  ],
])('a server that %s when it is asked for TLS is heard of', async (_what, answer, message) => {
  expect(await heardOf(answer, 'verify-full')).toEqual(twice(message));
});

test('a driver that does not begin is not waited for', async () => {
  expect(await heardOf(() => undefined, 'disable')).toEqual(twice('startup packet not sent'));
});
