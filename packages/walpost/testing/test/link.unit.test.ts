import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type Link, openLink } from '../link.ts';

let server: Server;
let link: Link;
let client: Socket;

/** A server that says everything back. */
beforeEach(async () => {
  server = createServer((socket) => socket.on('error', () => undefined).pipe(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  link = await openLink(address.port);
  client = await dial();
});
afterEach(async () => {
  client.destroy();
  await link.close();
  server.close();
});

async function dial(): Promise<Socket> {
  const socket = connect(link.port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** Waits for the end, by an error or without one. */
function closed(socket: Socket): Promise<unknown> {
  return new Promise((resolve) => socket.once('close', resolve));
}

async function echo(text: string): Promise<string> {
  client.write(text);
  const [answer] = await once(client, 'data');
  return String(answer);
}

test('an open link passes everything on', async () => {
  expect(await echo('a')).toBe('a');
  expect(await echo('b'.repeat(1_000))).toHaveLength(1_000);
});

test('a cut link resets what there is, and what comes, until it is open again', async () => {
  expect(await echo('a')).toBe('a');
  link.behave({ kind: 'cut' });
  await closed(client);
  await closed(connect(link.port, '127.0.0.1').on('error', () => undefined));
  link.behave({ kind: 'open' });
  client = await dial();
  expect(await echo('b')).toBe('b');
});

test('a stalled link keeps what was sent, and hands it over afterwards', async () => {
  link.behave({ kind: 'stall' });
  let got = '';
  client.on('data', (chunk) => {
    got += chunk;
  });
  client.write('kept');
  const other = await dial();
  other.destroy();
  expect(got).toBe('');
  link.behave({ kind: 'open' });
  await once(client, 'data');
  expect(got).toBe('kept');
});

test('a slow link takes its time each way', async () => {
  link.behave({ kind: 'delay', milliseconds: 50 });
  const begun = performance.now();
  expect(await echo('a')).toBe('a');
  expect(performance.now() - begun).toBeGreaterThanOrEqual(95);
});

test('who closes is answered by the other side closing', async () => {
  expect(await echo('a')).toBe('a');
  client.end();
  await closed(client);
});
