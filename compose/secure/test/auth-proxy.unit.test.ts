import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import { authProxies, buildAuthProxy } from '../auth-proxy.ts';

const passwords = { operator: 'o', service: 's', console: 'c' };
/** What reached the server behind the proxy. */
let reached: string[] = [];
let behind: Server;
const built = new Map<keyof typeof authProxies, FastifyInstance>();

beforeAll(async () => {
  behind = createServer((request, response) => {
    reached.push(`${request.method} ${request.url}`);
    response.end('behind');
  }).listen(0, '127.0.0.1');
  await once(behind, 'listening');
  const upstream = `http://127.0.0.1:${(behind.address() as AddressInfo).port}`;
  for (const name of ['registry', 'connect'] as const) {
    const proxy = await buildAuthProxy({ ...authProxies[name], upstream }, passwords, null);
    await proxy.listen({ host: '127.0.0.1', port: 0 });
    built.set(name, proxy);
  }
});
afterAll(async () => {
  await Promise.all([...built.values()].map((proxy) => proxy.close()));
  behind.close();
});
beforeEach(() => {
  reached = [];
});

/** Sends a request with its target as it is, which no client library does. @returns the status */
async function knock(
  proxy: keyof typeof authProxies,
  user: string,
  method: string,
  target: string,
): Promise<number> {
  const app = built.get(proxy);
  if (!app) throw new Error(`there is no proxy ${proxy}`);
  const { port } = app.server.address() as AddressInfo;
  const socket = connect(port, '127.0.0.1');
  const auth = Buffer.from(`${user}:${user.slice(0, 1)}`).toString('base64');
  const head = `${method} ${target} HTTP/1.1\r\nHost: x\r\nAuthorization: Basic ${auth}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`;
  socket.write(Buffer.from(head, 'latin1'));
  // The answer's first line is in its first bytes, which may also be its last.
  const [answer] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return Number(/^HTTP\/1\.1 (\d+)/.exec(answer.toString('latin1'))?.[1]);
}

const x = '/apis/ccompat/v7/subjects/X';
test.each([
  ['backslash', `${x}\\versions`],
  ['escaped backslash', `${x}%5cversions`],
  ['escaped backslash, upper case', `${x}%5Cversions`],
  ['escaped slash', `${x}%2fversions`],
  ['escaped slash, upper case', `${x}%2Fversions`],
  ['escaped twice', `${x}%252fversions`],
  ['escaped twice, backslash', `${x}%255cversions`],
  ['overlong slash', `${x}%c0%afversions`],
  ['dots up', `${x}/../Y/versions`],
  ['dots up, at the end', '/apis/ccompat/v7/subjects/..'],
  ['escaped dots', '/apis/ccompat/v7/subjects/%2e%2e'],
  ['half escaped dots', '/apis/ccompat/v7/subjects/.%2E'],
  ['backslash dots', `${x}\\..\\..\\config`],
  ['dot', '/apis/ccompat/v7/subjects/.'],
  ['trailing dot', `${x}.`],
  ['double slash', '/apis/ccompat/v7/subjects//X'],
  ['double slash at the start', `/${x}`],
  ['parameters', `${x};a=b`],
  ['parameters before a slash', '/apis/ccompat/v7/subjects;/X'],
  ['escaped parameters', `${x}%3bversions`],
  ['an escape without need', '/apis/ccompat/v7/%73ubjects/X'],
  ['escaped question mark', `${x}%3fversions`],
  ['fragment', `${x}#/versions`],
  ['escaped fragment', `${x}%23versions`],
  ['NUL', `${x}%00`],
  ['line break', `${x}%0d%0aversions`],
  ['tabulator', `${x}%09/versions`],
  ['broken escape', `${x}%`],
  ['broken escape, in letters', `${x}%zz`],
  ['letters beyond ASCII', `${x}\xe9`],
  ['trailing slash', `${x}/`],
  ['absolute form', `http://registry:8080${x}/versions`],
  ['absolute form of an allowed path', `http://elsewhere${x}`],
  ['network path', `//registry:8080${x}`],
  ['no path', '*'],
])('a target that is not plain is refused, whoever asks: %s', async (_what, target) => {
  for (const user of ['service', 'operator']) {
    const status = await knock('registry', user, 'POST', target);
    expect([user, status >= 400 && status < 500, status]).toEqual([user, true, status]);
  }
  expect(reached).toEqual([]);
});

test.each([
  ['registry', 'service', 'POST', `${x}/versions`],
  ['registry', 'service', 'POST', '/apis/ccompat/v7/SUBJECTS/X'],
  ['registry', 'service', 'POST', '/APIS/ccompat/v7/subjects/X'],
  ['registry', 'service', 'POST', '/apis/ccompat/v7/subjects'],
  ['registry', 'service', 'PUT', '/apis/ccompat/v7/config/X'],
  ['registry', 'service', 'DELETE', x],
  ['registry', 'service', 'PATCH', x],
  ['registry', 'service', 'GET', '/apis/registry/v3/admin/export'],
  ['registry', 'console', 'GET', '/apis/ccompat/v7/subjects'],
  ['connect', 'console', 'GET', '/connectors'],
  ['connect', 'console', 'GET', '/connectors?expand=info'],
  ['connect', 'console', 'GET', '/connectors?expand=status&expand=info'],
  ['connect', 'console', 'GET', '/Connectors?expand=status'],
  ['connect', 'console', 'POST', '/connectors?expand=status'],
  ['connect', 'service', 'GET', '/connectors?expand=status'],
] as const)('%s: %s may not %s %s', async (proxy, user, method, target) => {
  expect(await knock(proxy, user, method, target)).toBe(403);
  expect(reached).toEqual([]);
});

test.each([
  ['registry', 'service', 'POST', x],
  [
    'registry',
    'service',
    'POST',
    '/apis/ccompat/v7/subjects/order-events-walpost.OrderCreated?normalize=true',
  ],
  ['registry', 'service', 'GET', '/apis/ccompat/v7/schemas/ids/7'],
  ['registry', 'service', 'GET', '/apis/ccompat/v7/subjects'],
  ['registry', 'operator', 'GET', '/apis/ccompat/v7/subjects/a%20b%3Ac%C3%A9/versions/latest'],
  ['registry', 'operator', 'PUT', '/apis/ccompat/v7/config/X'],
  ['connect', 'console', 'GET', '/connectors?expand=status'],
  ['connect', 'operator', 'GET', '/'],
  ['connect', 'operator', 'PUT', '/connectors/order-outbox/config'],
] as const)('%s: %s may %s %s, and it arrives as it was sent', async (proxy, user, method, target) => {
  expect(await knock(proxy, user, method, target)).toBe(200);
  expect(reached).toEqual([`${method} ${target}`]);
});

test('a wrong password is nobody’s', async () => {
  expect(await knock('registry', 'xoperator', 'GET', '/apis/ccompat/v7/subjects')).toBe(401);
  expect(await knock('registry', 'constructor', 'GET', '/apis/ccompat/v7/subjects')).toBe(401);
  expect(reached).toEqual([]);
});
