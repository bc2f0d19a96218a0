import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { contract } from '../../../../schemas/contract.generated.ts';
import { RegistryError } from '../errors.ts';
import { createRegistry } from '../registry.ts';

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A registry that gives these answers, by method and path; 404 in Confluent's manner to everything else. */
function answers(table: Record<string, unknown>): RequestListener {
  return (request, response) => {
    const answer = table[`${request.method} ${request.url}`];
    response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer ?? { error_code: 40401, message: 'Subject not found.' }));
  };
}

async function failure(work: Promise<unknown>): Promise<RegistryError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof RegistryError) return error;
  throw new Error(`not a RegistryError: ${error}`);
}

const created = contract.eventType('OrderCreated');

test('user and password go with every request, and a refusal says which variables to look at', async () => {
  const schema = JSON.stringify(created.schema);
  const seen = new Set<string | undefined>();
  const url = await serve((request, response) => {
    seen.add(request.headers.authorization);
    const allowed = request.headers.authorization === `Basic ${btoa('order:secret')}`;
    response.writeHead(allowed ? 200 : 401, { 'content-type': 'application/json' });
    response.end(allowed ? JSON.stringify(request.url === '/subjects' ? [] : { schema }) : '');
  });
  const registry = createRegistry({ url, credentials: { username: 'order', password: 'secret' } });
  expect(await registry.subjects()).toEqual([]);
  expect((await registry.schemaOf(7)).name).toBe('walpost.orders.OrderCreated');
  expect(seen).toEqual(new Set([`Basic ${btoa('order:secret')}`]));

  const stranger = createRegistry({ url });
  expect((await failure(stranger.subjects())).message).toMatch(/SCHEMA_REGISTRY_USERNAME/);
  expect((await failure(stranger.schemaOf(7))).message).toMatch(/refuses the user or the password/);
});

test('schemas, ids and versions come as the registry has them', async () => {
  const schema = JSON.stringify(created.schema);
  const url = await serve(
    answers({
      'GET /schemas/ids/7': { schema },
      [`POST /subjects/${created.subject}`]: { id: 7, version: 1 },
      [`GET /subjects/${created.subject}/versions`]: [2, 1],
      [`GET /subjects/${created.subject}/versions/1`]: { version: 1, id: 7, schema },
      [`GET /subjects/${created.subject}/versions/2`]: { version: 2, id: 9, schema: '"string"' },
    }),
  );
  const registry = createRegistry({ url: `${url}/` });
  expect((await registry.schemaOf(7)).name).toBe('walpost.orders.OrderCreated');
  expect(await registry.idOf(created)).toBe(7);
  expect(await registry.isRegistered(created)).toBe(true);
  expect(await registry.versions(created.subject)).toEqual([
    { version: 1, id: 7, schema: created.schema },
    { version: 2, id: 9, schema: 'string' },
  ]);
  expect(await registry.versions('unknown')).toEqual([]);
});

test('what the registry does not have is not found, and not worth another try', async () => {
  const registry = createRegistry({ url: await serve(answers({ 'GET /subjects': [] })) });
  expect(await failure(registry.schemaOf(7))).toMatchObject({ code: 'not-found', retryable: false });
  expect(await failure(registry.idOf(created))).toMatchObject({ code: 'not-found' });
  expect(await registry.isRegistered(created)).toBe(false);
});

test('a schema of another format is not Avro', async () => {
  const json = { schema: '{"type":"object"}', schemaType: 'JSON' };
  const registry = createRegistry({ url: await serve(answers({ 'GET /schemas/ids/7': json })) });
  expect(await failure(registry.schemaOf(7))).toMatchObject({ code: 'not-avro', retryable: false });
});

test.each<[string, RequestListener]>([
  ['a web page', (_, response) => response.end('<html>Welcome</html>')],
  ['a 404 of another server', (_, response) => response.writeHead(404).end('{"error_code":404}')],
  ['another JSON', (_, response) => response.end('{"version":"4.3.1"}')],
])('%s is no schema registry', async (_, listener) => {
  const registry = createRegistry({ url: await serve(listener) });
  const error = await failure(registry.subjects());
  expect(error).toMatchObject({ code: 'invalid-answer', retryable: false });
  expect(error.message).toContain('set SCHEMA_REGISTRY_URL');
  expect(error.message).not.toContain('\n');
});

test('a 404 is "not found" only where a registry says so', async () => {
  const registry = createRegistry({ url: await serve((_, response) => response.writeHead(404).end('gone')) });
  expect(await failure(registry.schemaOf(7))).toMatchObject({ code: 'invalid-answer' });
});

test.each<[string, RequestListener]>([
  ['says nothing', () => undefined],
  [
    'stops in the middle of an answer',
    (_, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{"sch', () => response.destroy());
    },
  ],
  ['is out of order', (_, response) => response.writeHead(503).end('{"error_code":503,"message":"down"}')],
])('a registry that %s is unavailable, in bounded time', async (_, listener) => {
  const registry = createRegistry({ url: await serve(listener), timeoutMs: 200 });
  const started = performance.now();
  expect(await failure(registry.schemaOf(7))).toMatchObject({ code: 'unavailable', retryable: true });
  expect(await failure(registry.versions('x'))).toMatchObject({ code: 'unavailable', retryable: true });
  expect(performance.now() - started).toBeLessThan(3000);
});

test.each([409, 422])(
  'a schema that is answered with %d is rejected, and not worth another try',
  async (status) => {
    const url = await serve((request, response) => {
      response.writeHead(request.method === 'POST' ? status : 200, { 'content-type': 'application/json' });
      response.end(
        request.method === 'POST'
          ? '{"error_code":42201,"message":"no"}'
          : '{"compatibilityLevel":"FULL_TRANSITIVE"}',
      );
    });
    expect(await failure(createRegistry({ url }).register(created))).toMatchObject({
      code: 'rejected',
      retryable: false,
    });
  },
);

test('nobody there is unavailable', async () => {
  const url = await serve(() => undefined);
  await new Promise((resolve) => servers.pop()?.close(resolve));
  const registry = createRegistry({ url });
  const error = await failure(registry.schemaOf(7));
  expect(error.retryable).toBe(true);
  expect(error.message).toContain('ECONNREFUSED');
  expect((await failure(registry.subjects())).message).toContain('ECONNREFUSED');
});
