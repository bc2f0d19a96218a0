import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { SslMode } from '../../environment.ts';
import { openSocket } from '../database-socket.ts';

/** Of `localhost`, by itself, for a hundred years; its key protects nothing. */
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBlDCCATugAwIBAgIUXrbyxqkg1NlZkly3yenYz0rVQzIwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEzMDE3NDczNloYDzIxMjYxMTA2
MTc0NzM2WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAATN2JMAJxNPwhwFZ747+S/5+PEXE6C5guOEZ9lpVdQcv7XPJYU3MzPp
HsQku/MGuyLZ3py7K4+3GsmjTGli2g1ho2kwZzAdBgNVHQ4EFgQUwhrlnvMSBDt6
1q+63idFwbzABegwHwYDVR0jBBgwFoAUwhrlnvMSBDt61q+63idFwbzABegwDwYD
VR0TAQH/BAUwAwEB/zAUBgNVHREEDTALgglsb2NhbGhvc3QwCgYIKoZIzj0EAwID
RwAwRAIgCvih08WQ1XQuiZfCQMdp7iAYtkIhyRsvjKVqS4S+o0wCIDEa9RnOTC9y
8ig9sf/yAVHltMyn50/TK0P1+ndE+bqU
-----END CERTIFICATE-----
`;
const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgo9rQZqY4tBIVlmLq
Z3TTxJ543TZbXfsN9OMyMeyXCQqhRANCAATN2JMAJxNPwhwFZ747+S/5+PEXE6C5
guOEZ9lpVdQcv7XPJYU3MzPpHsQku/MGuyLZ3py7K4+3GsmjTGli2g1h
-----END PRIVATE KEY-----
`;

const clients = new Set<Socket>();
const secureContext = createSecureContext({ cert: CERTIFICATE, key: KEY });
/** Begins TLS as Postgres does, and says one letter. */
const server = createServer((client) => {
  clients.add(client);
  client.on('error', () => undefined);
  client.once('data', () => {
    client.write('S');
    const secured = new TLSSocket(client, { isServer: true, secureContext });
    secured.on('error', () => undefined);
    secured.once('data', () => secured.end('Z'));
  });
});
beforeAll(() => once(server.listen(0), 'listening'));
afterAll(() => {
  for (const client of clients) client.destroy();
  server.close();
});

/** What is heard of a server at a host: its letter, or why it is not believed. */
async function hear(host: string, sslMode: SslMode, ca?: string): Promise<string> {
  const { port } = server.address() as AddressInfo;
  const socket = await openSocket({ host, port, sslMode, ...(ca !== undefined && { ca }) }, 5_000);
  socket.on('error', () => undefined);
  const heard = new Promise<string>((resolve) => {
    socket.once('data', (data) => resolve(String(data)));
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
  // One that is not believed is no TLS socket, and takes nothing.
  if (socket instanceof TLSSocket) socket.write('hello');
  return heard.finally(() => socket.destroy());
}

test.each([
  ['127.0.0.1', 'require', undefined, 'Z'],
  ['127.0.0.1', 'verify-ca', CERTIFICATE, 'Z'],
  ['127.0.0.1', 'verify-ca', undefined, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  ['127.0.0.1', 'verify-full', CERTIFICATE, 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ['localhost', 'verify-full', CERTIFICATE, 'Z'],
  ['localhost', 'verify-full', undefined, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
] as const)('%s by %s', async (host, sslMode, ca, heard) => {
  expect(await hear(host, sslMode, ca)).toBe(heard);
});
