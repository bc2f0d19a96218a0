import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import type { Mechanism } from 'kafkajs';
import { loginByToken } from '../login-by-token.ts';
import { createTokenSource } from '../token-source.ts';

let server: Server | undefined;
afterEach(async () => {
  server?.closeAllConnections();
  await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)));
  server = undefined;
});

async function loginAt(listener: RequestListener) {
  const listening = createServer(listener);
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  return {
    mechanism: 'oauthbearer' as const,
    tokenUrl: `http://127.0.0.1:${(listening.address() as AddressInfo).port}/token`,
    clientId: 'a client',
    clientSecret: 'p:w+',
    scope: 'kafka other',
  };
}

test('the request is the client credentials grant, id and secret encoded as forms are', async () => {
  const seen: unknown[] = [];
  const login = await loginAt((request, response) => {
    let body = '';
    request.on('data', (part) => {
      body += part;
    });
    request.on('end', () => {
      seen.push(request.method, request.headers['content-type'], body);
      seen.push(
        Buffer.from(String(request.headers.authorization).replace('Basic ', ''), 'base64').toString(),
      );
      response.end('{"access_token":"t","expires_in":300}');
    });
  });
  expect(await createTokenSource(login).get()).toBe('t');
  expect(seen).toEqual([
    'POST',
    'application/x-www-form-urlencoded;charset=UTF-8',
    'grant_type=client_credentials&scope=kafka+other',
    'a+client:p%3Aw%2B',
  ]);
});

// A session ends with its token, and kafkajs logs in again 10 s before: it must get another one then.
test.each([
  [300, 239, 't1'],
  [300, 240, 't2'],
  [60, 44, 't1'],
  [60, 45, 't2'],
  [10, 0, 't2'],
  [undefined, 0, 't2'],
])('of a token for %s s the same after %d s is %s', async (expires_in, later, expected) => {
  let given = 0;
  const login = await loginAt((_, response) => {
    given += 1;
    response.end(JSON.stringify({ access_token: `t${given}`, expires_in }));
  });
  let now = 1_000_000;
  const source = createTokenSource(login, () => now);
  expect(await Promise.all([source.get(), source.get()])).toEqual(['t1', 't1']);
  now += later * 1000;
  expect(await source.get()).toBe(expected);
});

test('one that was refused is not used again', async () => {
  let given = 0;
  const login = await loginAt((_, response) => {
    given += 1;
    response.end(JSON.stringify({ access_token: `t${given}`, expires_in: 300 }));
  });
  const source = createTokenSource(login);
  source.forget(await source.get());
  expect(await source.get()).toBe('t2');
  source.forget('t1');
  expect(await source.get()).toBe('t2');
});

test.each<[string, RequestListener, string, boolean]>([
  [
    'does not know the client',
    (_, response) => response.writeHead(401).end('{"error":"invalid_client","error_description":"no such"}'),
    'it answered 401, invalid_client: no such; are KAFKA_OAUTH_CLIENT_ID and _SECRET right?',
    false,
  ],
  ['is out of order', (_, response) => response.writeHead(503).end('<html>'), 'it answered 503', true],
  [
    'is no issuer',
    (_, response) => response.end('<html>Welcome</html>'),
    'it answered 200 without access_token',
    false,
  ],
  ['closes the connection', (request) => request.socket.destroy(), 'other side closed', true],
])('an issuer that %s is one line', async (_, listener, why, retriable) => {
  const login = await loginAt(listener);
  await expect(createTokenSource(login).get()).rejects.toMatchObject({
    message: `no token from ${login.tokenUrl} (KAFKA_OAUTH_TOKEN_URL): ${why}`,
    retriable,
  });
});

/** kafkajs's part: what is said to the broker, and what it answers in turn. */
async function authenticate(
  mechanism: Mechanism,
  answers: (string | Error)[],
  said: string[] = [],
): Promise<string[]> {
  const { authenticate: run } = mechanism.authenticationProvider({
    host: 'broker',
    port: 9092,
    logger: undefined as never,
    saslAuthenticate: async ({ request, response }) => {
      const frame = await request.encode();
      expect(frame.readInt32BE()).toBe(frame.length - 4);
      said.push(frame.subarray(4).toString());
      const answer = answers.shift() ?? '';
      if (answer instanceof Error) throw answer;
      const raw = Buffer.concat([Buffer.alloc(4), Buffer.from(answer)]);
      return response?.parse(await response.decode(raw));
    },
  });
  await run();
  return said;
}

test('a broker that takes the token answers nothing', async () => {
  const login = await loginAt((_, response) => response.end('{"access_token":"t","expires_in":300}'));
  expect(await authenticate(loginByToken(login), [''])).toEqual(['n,,\u0001auth=Bearer t\u0001\u0001']);
});

test('without a token the broker is told to close the connection: half a login stays on it', async () => {
  const login = await loginAt((_, response) => response.writeHead(503).end('{"error":"later"}'));
  const said: string[] = [];
  const failed = authenticate(loginByToken(login), [new Error('login failed')], said);
  await expect(failed).rejects.toMatchObject({
    name: 'KafkaJSConnectionError',
    message: `no token from ${login.tokenUrl} (KAFKA_OAUTH_TOKEN_URL): it answered 503, later`,
    retriable: true,
  });
  expect(said).toEqual(['\u0001']);
});

test('a broker that refuses it says so in an answer, and the next attempt has another token', async () => {
  let given = 0;
  const login = await loginAt((_, response) => {
    given += 1;
    response.end(JSON.stringify({ access_token: `t${given}`, expires_in: 300 }));
  });
  const mechanism = loginByToken(login);
  const refusal = authenticate(mechanism, ['{"status":"invalid_token"}', new Error('login failed')]);
  await expect(refusal).rejects.toMatchObject({
    message: `SASL OAUTHBEARER: the broker refuses the token of ${login.tokenUrl}: {"status":"invalid_token"}`,
    retriable: true,
  });
  expect(await authenticate(mechanism, [''])).toEqual(['n,,\u0001auth=Bearer t2\u0001\u0001']);
});
