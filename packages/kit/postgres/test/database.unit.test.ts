import { createServer, type Socket } from 'node:net';
import { expect, test } from '@jest/globals';
import { openDatabase } from '../database.ts';

test.each([
  ['hangs up at once', (socket: Socket) => void socket.end()],
  ['hangs up when it is spoken to', (socket: Socket) => void socket.once('data', () => socket.end())],
  ['resets', (socket: Socket) => void socket.resetAndDestroy()],
  [
    'is no database',
    (socket: Socket) => void socket.once('data', () => socket.end('HTTP/1.1 500 Oops\r\n\r\n')),
  ],
])('a server that %s is unavailable, and is not asked without end', async (_what, answer) => {
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    socket.on('error', () => undefined).resume();
    answer(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const where = { host: '127.0.0.1', port: address.port, database: 'x', user: 'x', password: 'x' };
  const { ping, close } = openDatabase({ ...where, applicationName: 'test' });
  try {
    const error = (await ping().catch((reason: unknown) => reason)) as { code?: string };
    expect(['CONNECTION_CLOSED', 'ECONNRESET', 'EPIPE']).toContain(error.code);
    expect(connections).toBeLessThan(5);
  } finally {
    await close();
    await new Promise((resolve) => server.close(resolve));
  }
});
