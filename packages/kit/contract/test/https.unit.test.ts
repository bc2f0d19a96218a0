import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { generate } from 'selfsigned';
import { contract } from '../../../../schemas/contract.generated.ts';
import { askHttp, type HttpAccess } from '../http-access.ts';
import { createRegistry } from '../registry.ts';

let folder: string;
let server: Server;
let access: HttpAccess & { ca: { path: string } };
let right: string;
let other: string;

const selfSigned = async (name: string) => {
  const altNames = [{ type: 2, value: 'localhost' }] as const;
  const { cert, private: key } = await generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    extensions: [{ name: 'subjectAltName', altNames: [...altNames] }],
  });
  return { cert, key };
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'walpost-https-'));
  const identity = await selfSigned('localhost');
  right = identity.cert;
  other = (await selfSigned('localhost')).cert;
  const schema = JSON.stringify(contract.eventType('OrderCreated').schema);
  server = createServer(identity, (request, response) => {
    const allowed = request.headers.authorization === 'Bearer t0ken';
    response.writeHead(allowed ? 200 : 401, { 'content-type': 'application/json' });
    response.end(allowed ? JSON.stringify(request.url === '/subjects' ? [] : { schema }) : '{}');
  });
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const url = `https://localhost:${(server.address() as AddressInfo).port}`;
  access = { url, token: 't0ken', ca: { variable: 'SCHEMA_REGISTRY_CA_FILE', path: join(folder, 'ca.crt') } };
});
beforeEach(() => writeFileSync(access.ca.path, right));
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true });
});

test('a registry with a CA of its own and a bearer token is reached, by every request', async () => {
  const registry = createRegistry(access);
  expect(await registry.subjects()).toEqual([]);
  expect((await registry.schemaOf(7)).name).toBe('walpost.orders.OrderCreated');
});

test('a wrong token is one line that names its variable', async () => {
  const registry = createRegistry({ ...access, token: 'wrong' });
  const line = `schema registry at ${access.url} refuses the token; is SCHEMA_REGISTRY_TOKEN right?`;
  await expect(registry.subjects()).rejects.toThrow(line);
  await expect(registry.schemaOf(7)).rejects.toThrow(line);
});

test('an unknown CA is one line, and a file that is put right is used at the next request', async () => {
  writeFileSync(access.ca.path, other);
  const registry = createRegistry(access);
  const line =
    /certificate is signed by nobody who is trusted here \(.*\); is SCHEMA_REGISTRY_CA_FILE right\?$/;
  await expect(registry.subjects()).rejects.toThrow(line);
  await expect(registry.schemaOf(7)).rejects.toThrow(line);
  writeFileSync(access.ca.path, right);
  expect(await registry.subjects()).toEqual([]);
  expect((await registry.schemaOf(7)).name).toBe('walpost.orders.OrderCreated');
});

test('without a CA file Node’s own roots count', async () => {
  const { url } = access;
  await expect(askHttp({ url }, '/subjects', 5_000, { headers: {} })).rejects.toThrow(
    /^its certificate is signed by nobody who is trusted here .*NODE_EXTRA_CA_CERTS/,
  );
});

test.each([
  ['is not there', undefined, /^SCHEMA_REGISTRY_CA_FILE: .*ca.crt cannot be read \(ENOENT\)$/],
  ['is no certificate', 'hello', /^SCHEMA_REGISTRY_CA_FILE: .*ca.crt has no certificate in it \(.+\)$/],
  [
    'is half a certificate',
    '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n',
    /^SCHEMA_REGISTRY_CA_FILE: .*ca.crt has no certificate in it \(.+\)$/,
  ],
])('a CA file that %s is one line', async (_, text, line) => {
  if (text === undefined) rmSync(access.ca.path);
  else writeFileSync(access.ca.path, text);
  await expect(askHttp(access, '/subjects', 5_000, { headers: {} })).rejects.toThrow(line);
});

test('http spoken as https is one line', async () => {
  const plain = (await import('node:http')).createServer((_, response) => response.end('[]'));
  await new Promise<void>((resolve) => plain.listen(0, resolve));
  const url = `https://localhost:${(plain.address() as AddressInfo).port}`;
  for (const at of [{ ...access, url }, { url }]) {
    await expect(askHttp(at, '/subjects', 5_000, { headers: {} })).rejects.toThrow(
      `it does not speak TLS; is https in ${url} right?`,
    );
  }
  plain.closeAllConnections();
  await new Promise((resolve) => plain.close(resolve));
});
