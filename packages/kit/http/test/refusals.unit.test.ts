import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { DrizzleQueryError } from 'drizzle-orm';
import { pino } from 'pino';
import { Type } from 'typebox';
import { parseAnswers, sendRaw } from 'walpost/testing/raw-http';
import { type App, createApp } from '../http.ts';
import { Count, Identifier, Key, PageSize, Text, Uuid } from '../inputs.ts';

const logger = pino({ level: 'silent' });
const ID = '01890a5d-ac96-774b-bcce-b302099a8057';
const done = { response: { 200: Type.Object({ done: Type.Unknown() }) } };

let app: App;
let url: string;

beforeAll(async () => {
  app = await createApp({ title: 'test', logger, readiness: {} });
  app.post(
    '/things',
    {
      schema: {
        headers: Type.Object({ 'idempotency-key': Type.Optional(Key('Once')) }),
        body: Type.Object({ text: Text('Any', 20), count: Count('Any') }, { additionalProperties: false }),
        ...done,
      },
    },
    async ({ body }) => ({ done: body }),
  );
  app.get(
    '/things',
    {
      schema: {
        querystring: Type.Object(
          {
            sku: Identifier('Any'),
            limit: Type.Optional(PageSize(10, 100)),
            after: Type.Optional(Uuid('Any')),
          },
          { additionalProperties: false },
        ),
        ...done,
      },
    },
    async ({ query }) => ({ done: query }),
  );
  const params = Type.Object({ id: Uuid('Any') });
  app.get('/things/:id', { schema: { params, ...done } }, async ({ params: { id } }) => ({ done: id }));
  app.post('/things/:id/act', { schema: { params, ...done } }, async ({ body }) => ({
    done: body ?? 'no body',
  }));
  app.delete('/things/:id', { schema: { params, ...done } }, async ({ body }) => ({
    done: body ?? 'no body',
  }));
  url = await app.listen({ port: 0, host: '127.0.0.1' });
});
afterAll(() => app.close());

/** A request with `connection: close`, and its length. */
function request(line: string, headers: string[] = [], body = ''): string {
  const length =
    body === '' || headers.some((each) => /^transfer-encoding/i.test(each))
      ? []
      : [`content-length: ${Buffer.byteLength(body)}`];
  return [`${line} HTTP/1.1`, 'host: x', 'connection: close', ...length, ...headers, '', body].join('\r\n');
}
const JSON_TYPE = 'content-type: application/json';
const post = (body: string, ...headers: string[]) => request('POST /things', [JSON_TYPE, ...headers], body);
const thing = (text: string) => post(`{"text":${text},"count":1}`);
const get = (path: string) => request(`GET ${path}`);

test.each<[string, string, number, string?]>([
  ['an id as a URN', get(`/things/urn:uuid:${ID}`), 400, 'params/id'],
  ['an id in braces', get(`/things/%7B${ID}%7D`), 400, 'params/id'],
  ['an id without hyphens', get(`/things/${ID.replaceAll('-', '')}`), 400, 'params/id'],
  ['an id and NUL', get(`/things/${ID}%00`), 400, 'params/id'],
  ['an id and a line end', get(`/things/${ID}%0a`), 400, 'params/id'],
  [
    'an id in full-width digits',
    get(`/things/${encodeURIComponent(ID.replace('0', '０'))}`),
    400,
    'params/id',
  ],
  ['an id of 1 kB', get(`/things/${'a'.repeat(1000)}`), 400, 'params'],
  ['no id', get('/things/'), 400, 'params/id'],
  ['an id as a URN, of a route without a body', request(`POST /things/urn:uuid:${ID}/act`), 400, 'params/id'],
  ['a lone percent sign', get('/things/%'), 400, 'url'],
  ['half a character', get('/things/%E0%A4%A'), 400, 'url'],
  ['a byte that is no UTF-8', get('/things/%FF'), 400, 'url'],
  ['a surrogate in percent signs', get('/things/%ED%A0%80'), 400, 'url'],
  ['NUL in the query', get('/things?sku=a%00'), 400, 'querystring/sku'],
  ['a lone percent sign in the query', get('/things?sku=%'), 400, 'querystring/sku'],
  ['a parameter twice', get('/things?sku=a&sku=b'), 400, 'querystring/sku'],
  ['a number twice', get('/things?sku=a&limit=1&limit=2'), 400, 'querystring/limit'],
  ['an empty number', get('/things?sku=a&limit='), 400, 'querystring/limit'],
  ['a number that is none', get('/things?sku=a&limit=1e400'), 400, 'querystring/limit'],
  ['half a number', get('/things?sku=a&limit=1.5'), 400, 'querystring/limit'],
  ['a cursor as a URN', get(`/things?sku=a&after=urn:uuid:${ID}`), 400, 'querystring/after'],
  ['an unknown parameter', get('/things?sku=a&x=1'), 400, 'querystring/x'],
  ['a prototype in the query', get('/things?sku=a&__proto__=1'), 400, 'querystring/__proto__'],
  ['a parameter of 10 kB', get(`/things?sku=${'a'.repeat(10_000)}`), 400, 'querystring/sku'],
  [
    'a key with a space',
    post('{"text":"a","count":1}', 'idempotency-key: a b'),
    400,
    'headers/idempotency-key',
  ],
  [
    'a key twice',
    post('{"text":"a","count":1}', 'idempotency-key: a', 'idempotency-key: b'),
    400,
    'headers/idempotency-key',
  ],
  [
    'a key of 1 kB',
    post('{"text":"a","count":1}', `idempotency-key: ${'a'.repeat(1000)}`),
    400,
    'headers/idempotency-key',
  ],
  [
    'a key in Latin-1',
    post('{"text":"a","count":1}', 'idempotency-key: \u00e9'),
    400,
    'headers/idempotency-key',
  ],
  ['text with NUL', thing('"a\\u0000"'), 400, 'body/text'],
  ['text with a line end', thing('"a\\nb"'), 400, 'body/text'],
  ['half a surrogate pair', thing('"a\\ud800"'), 400, 'body/text'],
  ['the other half', thing('"\\udfffa"'), 400, 'body/text'],
  ['only spaces', thing('"  \u00a0 "'), 400, 'body/text'],
  ['too much text', thing(`"${'a'.repeat(21)}"`), 400, 'body/text'],
  ['no text', thing('1'), 400, 'body/text'],
  ['a number beyond JSON', post('{"text":"a","count":1e400}'), 400, 'body/count'],
  ['a negative number', post('{"text":"a","count":-1}'), 400, 'body/count'],
  ['a number beyond 2^53', post('{"text":"a","count":9007199254740993}'), 400, 'body/count'],
  ['a prototype', post('{"__proto__":{"text":"a"},"text":"a","count":1}'), 400, 'body'],
  ['a constructor', post('{"constructor":{"prototype":{}},"text":"a","count":1}'), 400, 'body'],
  ['30,000 arrays in each other', post('['.repeat(30_000) + ']'.repeat(30_000)), 400, 'body'],
  ['30,000 arrays that do not end', post('['.repeat(30_000)), 400, 'body'],
  ['an empty body', request('POST /things', [JSON_TYPE, 'content-length: 0']), 400, 'body'],
  ['no body and no type', request('POST /things'), 400, 'body'],
  ['null', post('null'), 400, 'body'],
  ['no JSON', post('{"text":'), 400, 'body'],
  ['JSON and more', post('{"text":"a","count":1}{}'), 400, 'body'],
  ['a body of 70 kB', post(`{"text":"${'a'.repeat(70_000)}"}`), 413, 'body'],
  [
    'a chunked body of 70 kB',
    request(
      'POST /things',
      [JSON_TYPE, 'transfer-encoding: chunked'],
      `11170\r\n${'a'.repeat(70_000)}\r\n0\r\n\r\n`,
    ),
    413,
    'body',
  ],
  ['another type', request('POST /things', ['content-type: text/plain'], 'a'), 415, 'headers/content-type'],
  ['a type that is none', request('POST /things', ['content-type: ;;;'], '{}'), 415, 'headers/content-type'],
  [
    'a form',
    request('POST /things', ['content-type: application/x-www-form-urlencoded'], 'a=b'),
    415,
    'headers/content-type',
  ],
  ['no type', request('POST /things', [], '{}'), 415, 'headers/content-type'],
  [
    'Latin-1',
    request('POST /things', ['content-type: application/json; charset=iso-8859-1'], '{}'),
    415,
    'headers/content-type',
  ],
  [
    'UTF-16',
    request('POST /things', ['content-type: application/json;charset="utf-16"'], '{}'),
    415,
    'headers/content-type',
  ],
  [
    'two charsets',
    request('POST /things', ['content-type: application/json; charset=utf-8; charset = latin1'], '{}'),
    415,
    'headers/content-type',
  ],
  [
    'a body in Latin-1',
    request(
      'POST /things',
      [JSON_TYPE, 'transfer-encoding: chunked'],
      '16\r\n{"text":"\u00e9","count":1}\r\n0\r\n\r\n',
    ),
    400,
    'body',
  ],
  ['a compressed body', post('{}', 'content-encoding: gzip'), 415, 'headers/content-encoding'],
  ['an unknown path', get('/nothing'), 404],
  [
    'an unknown path, with a body of no known type',
    request('POST /nothing', ['content-type: text/plain'], 'a'),
    404,
  ],
  ['an unknown path, with 70 kB', request('POST /nothing', [JSON_TYPE], 'a'.repeat(70_000)), 404],
  ['a fragment that is none', get('/nothing#%zz'), 404],
  ['a file that is not there', get('/docs/static/nothing'), 404],
  ['a slash at the end', request(`POST /things/${ID}/act/`), 404],
  ['a method that the path lacks', request('PUT /things', [JSON_TYPE], '{}'), 405],
  ['TRACE', request(`TRACE /things/${ID}`), 405],
  ['OPTIONS', request('OPTIONS /things'), 405],
  ['a method that the path lacks, in percent signs', request('PUT /thing%73', [JSON_TYPE], '{}'), 405],
  ['QUERY', request('QUERY /things'), 405],
  ['QUERY of nothing', request('QUERY /nothing'), 404],
  ['OPTIONS of everything', request('OPTIONS *'), 404],
  ['PROPFIND', request('PROPFIND /things'), 405],
  ['CONNECT', request('CONNECT x:443'), 405],
  ['a method that nobody knows', request('FETCH /things'), 400],
  ['a header of 20 kB', request('GET /things?sku=a', [`x: ${'a'.repeat(20_000)}`]), 431],
  ['a header of 200 kB', request('GET /things?sku=a', [`x: ${'a'.repeat(200_000)}`]), 431],
  ['a path of 20 kB', get(`/things?sku=${'a'.repeat(20_000)}`), 431],
  ['an expectation', request('GET /things?sku=a', ['expect: a miracle']), 417],
  ['no host', `GET /things?sku=a HTTP/1.1\r\nconnection: close\r\n\r\n`, 400, 'headers/host'],
  ['no HTTP', 'hello\r\n\r\n', 400],
  ['a header without a name', request('GET /things?sku=a', [': a']), 400],
  ['a header that is none', request('GET /things?sku=a', ['no colon']), 400],
  ['NUL in a header', request('GET /things?sku=a', ['x: a\0b']), 400],
  ['two lengths', request('POST /things', [JSON_TYPE, 'content-length: 1', 'content-length: 2'], '{}'), 400],
  [
    'a length and chunks',
    request('POST /things', [JSON_TYPE, 'content-length: 2', 'transfer-encoding: chunked'], '{}'),
    400,
  ],
  ['a length that is no number', request('POST /things', [JSON_TYPE, 'content-length: x']), 400],
  [
    'a chunk that is none',
    request('POST /things', [JSON_TYPE, 'transfer-encoding: chunked'], 'zz\r\n{}\r\n'),
    400,
  ],
  ['HTTP/3', 'GET /things HTTP/3.0\r\nhost: x\r\n\r\n', 400],
])('%s is refused, as a problem', async (_what, text, status, ...[field]) => {
  const answers = parseAnswers(
    await sendRaw(url, Buffer.from(text, text.includes('\u00e9') ? 'latin1' : 'utf8')),
  );
  expect(answers.map((answer) => answer.status)).toEqual([status]);
  const [{ headers, body } = { headers: {}, body: '' }] = answers;
  expect(headers['content-type' as keyof typeof headers]).toBe('application/problem+json; charset=utf-8');
  const problem = JSON.parse(body);
  expect(problem).toMatchObject({ status, type: expect.stringMatching(/^urn:walpost:problem:[a-z-]+$/) });
  expect(body.length).toBeLessThan(4_000);
  if (field) expect(problem.errors.map((each: { field: string }) => each.field)).toContain(field);
});

test.each([
  ['no body, and JSON named', ['content-type: application/json'], ''],
  [
    'an empty form, as `curl -d ""` sends it',
    ['content-type: application/x-www-form-urlencoded', 'content-length: 0'],
    '',
  ],
  ['an empty body without a type', ['content-length: 0'], ''],
  ['no chunks', ['transfer-encoding: chunked'], '0\r\n\r\n'],
  ['JSON', ['content-type: application/json'], '{"a":1}'],
  ['what is no JSON', ['content-type: application/json'], '{'],
  ['a form', ['content-type: application/x-www-form-urlencoded'], 'a=b'],
  ['a body without a type', [], 'a'],
  ['a type that is none', ['content-type: ;;;'], 'a'],
  ['chunks', ['content-type: text/plain', 'transfer-encoding: chunked'], '1\r\na\r\n0\r\n\r\n'],
  ['70 kB', ['content-type: application/json'], 'a'.repeat(70_000)],
])('a route without a body reads none: %s', async (_what, headers, body) => {
  for (const line of [`POST /things/${ID}/act`, `DELETE /things/${ID}`]) {
    const [answer] = parseAnswers(await sendRaw(url, request(line, headers, body)));
    expect([answer?.status, answer?.body]).toEqual([200, '{"done":"no body"}']);
  }
});

test('what a body says that no route reads is not taken for the next request', async () => {
  const hidden = 'GET /nothing HTTP/1.1\r\nhost: x\r\n\r\n';
  const first = request(`POST /things/${ID}/act`, [JSON_TYPE], hidden).replace('connection: close\r\n', '');
  const answers = parseAnswers(await sendRaw(url, first + get(`/things/${ID}`)));
  expect(answers.map(({ status }) => status)).toEqual([200, 200]);
});

test('text, numbers and keys that are as they should be are taken', async () => {
  const body = { text: 'Süß 漢字 😀', count: Number.MAX_SAFE_INTEGER };
  const [answer] = parseAnswers(
    await sendRaw(
      url,
      request(
        'POST /things',
        ['content-type: application/json; charset=UTF-8', 'idempotency-key: ~!'],
        JSON.stringify(body),
      ),
    ),
  );
  expect(answer?.status).toBe(200);
});

test.each([
  ['path', `/things/${ID.toUpperCase()}`, { done: ID }],
  ['query', `/things?sku=A&after=${ID.toUpperCase()}`, { done: { sku: 'A', limit: 10, after: ID } }],
])('a UUID in capitals in the %s is the same as in small letters', async (_where, path, done) => {
  const [answer] = parseAnswers(await sendRaw(url, get(path)));
  expect([answer?.status, JSON.parse(answer?.body ?? '')]).toEqual([200, done]);
});

test('a thousand mistakes are answered with some of them', async () => {
  const fields = Object.fromEntries(Array.from({ length: 5_000 }, (_, at) => [`f${at}`, 1]));
  const [answer] = parseAnswers(await sendRaw(url, post(JSON.stringify(fields))));
  expect(answer?.status).toBe(400);
  expect(JSON.parse(answer?.body ?? '').errors).toHaveLength(20);
});

test('a method that a path lacks is told of those that it has', async () => {
  const [answer] = parseAnswers(await sendRaw(url, request(`PATCH /things/${ID}`)));
  expect(answer?.headers['allow']).toBe('DELETE, GET, HEAD');
});

test('what is no HTTP behind a request is answered after it, and not instead of it', async () => {
  const [first, second, ...more] = parseAnswers(
    await sendRaw(url, `${get(`/things/${ID}`).replace('connection: close\r\n', '')}hello\r\n\r\n`),
  );
  expect([first?.status, second?.status, more]).toEqual([200, 400, []]);
});

test('every route’s document has what can happen to any request, and with a body what can happen to it', async () => {
  const { paths } = (await (await fetch(`${url}/docs/json`)).json()) as {
    paths: Record<string, Record<string, { responses: Record<string, unknown> }>>;
  };
  for (const [path, operations] of Object.entries(paths)) {
    for (const [method, { responses }] of Object.entries(operations)) {
      const expected = [
        '400',
        '408',
        '417',
        '431',
        '503',
        ...(`${method} ${path}` === 'post /things' ? ['413', '415'] : []),
      ];
      expect(
        Object.keys(responses)
          .filter((status) => status !== '200')
          .sort(),
      ).toEqual(expected.sort());
    }
  }
});

test('a value that Postgres refuses is the client’s mistake', async () => {
  const refused = Object.assign(new Error('invalid byte sequence'), { name: 'PostgresError', code: '22021' });
  const other = await createApp({ title: 'test', logger, readiness: {} });
  other.get('/refused', async () => {
    throw new DrizzleQueryError('select', [], refused);
  });
  const answer = await fetch(`${await other.listen({ port: 0, host: '127.0.0.1' })}/refused`);
  const problem = await answer.text();
  await other.close();
  expect(problem).toContain('urn:walpost:problem:invalid-value');
  expect([answer.status, problem]).toEqual([400, expect.not.stringContaining('byte')]);
});

const open = Type.String({ maxLength: 10 });
test.each([
  [
    'text without a pattern',
    '/a',
    { querystring: Type.Object({ a: open }, { additionalProperties: false }) },
  ],
  ['text without a length', '/a', { headers: Type.Object({ a: Type.String({ pattern: '^a+$' }) }) }],
  ['unknown query parameters', '/a', { querystring: Type.Object({}) }],
  [
    'a number without an end',
    '/a',
    { querystring: Type.Object({ a: Type.Integer({ minimum: 0 }) }, { additionalProperties: false }) },
  ],
  ['a part of the path without a schema', '/a/:b', {}],
  ['a list without an end', '/a', { body: Type.Array(Uuid('Any')) }],
  [
    'unknown fields deep inside',
    '/a',
    { body: Type.Object({ a: Type.Union([Type.Object({}), Type.Null()]) }, { additionalProperties: false }) },
  ],
])('a route that leaves open what a client may send cannot be added: %s', async (_what, path, schema) => {
  const other = await createApp({ title: 'test', logger, readiness: {} });
  expect(() => other.post(path, { schema }, async () => ({}))).toThrow(
    /leaves open what a client may send in .+: a text needs maxLength and pattern/,
  );
  await other.close();
});

const HURRY = { request: 300, answer: 60_000, close: 300, silence: 60_000 };
const begun = 'POST /things HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n';

test.each([
  ['nothing', ''],
  ['half of the headers', begun],
  ['a body that does not come to its end', `${begun}content-length: 100\r\n\r\n{`],
  ['chunks that do not come to their end', `${begun}transfer-encoding: chunked\r\n\r\n1\r\n{\r\n`],
  ['half of a second request', `${get('/things?sku=a').replace('connection: close\r\n', '')}${begun}`],
])('a client that sends %s is told so, and its connection ends', async (_what, text) => {
  const slow = await createApp({ title: 'test', logger, readiness: {}, limits: HURRY });
  slow.post(
    '/things',
    { schema: { body: Type.Object({}, { additionalProperties: false }) } },
    async () => ({}),
  );
  slow.get('/things', async () => ({}));
  const answers = parseAnswers(await sendRaw(await slow.listen({ port: 0, host: '127.0.0.1' }), text));
  await slow.close();
  expect(answers.at(-1)?.status).toBe(408);
  expect(JSON.parse(answers.at(-1)?.body ?? '')).toMatchObject({ status: 408 });
});

test.each([
  ['a request that comes byte by byte', begun],
  ['a body that comes byte by byte', `${begun}content-length: 1000\r\n\r\n`],
])('closing does not wait for %s', async (_what, text) => {
  const slow = await createApp({
    title: 'test',
    logger,
    readiness: {},
    limits: { ...HURRY, request: 60_000 },
  });
  slow.post(
    '/things',
    { schema: { body: Type.Object({}, { additionalProperties: false }) } },
    async () => ({}),
  );
  const socket = connect(
    Number(new URL(await slow.listen({ port: 0, host: '127.0.0.1' })).port),
    '127.0.0.1',
  );
  socket.on('error', () => undefined);
  const accepted = new Promise((resolve) => slow.server.once('connection', resolve));
  await accepted;
  socket.write(text);
  const drip = setInterval(() => socket.write('a'), 50);
  const ended = new Promise((resolve) => socket.once('close', resolve));
  await slow.close();
  await ended;
  clearInterval(drip);
});

test('a client that does not take its answer is not held for ever', async () => {
  const slow = await createApp({ title: 'test', logger, readiness: {}, limits: { ...HURRY, silence: 500 } });
  slow.get('/much', async () => 'x'.repeat(50_000_000));
  const { port } = new URL(await slow.listen({ port: 0, host: '127.0.0.1' }));
  const socket = connect(Number(port), '127.0.0.1').pause();
  socket.write(`${get('/much')}`);
  const [served] = (await once(slow.server, 'connection')) as [Socket];
  await once(served, 'close');
  let taken = 0;
  socket.on('data', (chunk) => {
    taken += chunk.length;
  });
  socket.on('error', () => undefined).resume();
  await once(socket, 'close');
  await slow.close();
  expect(taken).toBeLessThan(50_000_000);
});

test('a connection that asks on without an answer is told so, and probes are answered', async () => {
  const waits = await createApp({ title: 'test', logger, readiness: {} });
  let open = 0;
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  waits.get('/slow', async () => {
    open += 1;
    await released;
    return {};
  });
  const address = await waits.listen({ port: 0, host: '127.0.0.1' });
  const keep = (path: string) => get(path).replace('connection: close\r\n', '');
  const sent = sendRaw(address, keep('/slow').repeat(150) + keep('/health/live') + get('/slow'));
  while (open < 100) await new Promise(setImmediate);
  release();
  const statuses = parseAnswers(await sent).map(({ status }) => status);
  expect([open, statuses.length]).toEqual([100, 152]);
  expect(statuses.filter((status) => status === 200)).toHaveLength(101);
  expect(statuses.filter((status) => status === 503)).toHaveLength(51);
  expect(statuses[150]).toBe(200);
  // And it may go on when they are answered.
  expect((await fetch(`${address}/slow`)).status).toBe(200);
  await waits.close();
});
