import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Database, openDatabase } from '@walpost/kit/postgres/database';
import { createLogger } from '@walpost/kit/telemetry/logger';
import { openTestDatabase, type TestDatabase, type TestService } from '../../../../tests/stack/database.ts';
import system from '../../../../walpost.config.ts';
import { createKafkaView, type KafkaView } from '../../observe/kafka-view.ts';
import type { Observed } from '../../observe/observed-service.ts';
import { observedServices } from '../../observe/services.ts';
import { parseAnswers, sendRaw } from '../../testing/raw-http.ts';
import { type Ask, serve } from '../../testing/serve.ts';
import { setting } from '../../testing/support.ts';
import { buildApp } from '../app.ts';
import { createSampleLoad } from '../sample-load.ts';
import type { Snapshot } from '../snapshot.ts';
import { startConsole } from '../start-console.ts';

const TOKEN = 'a token of the test';
const env = process.env as Record<string, string>;
const logger = createLogger('console', 'silent');
const releases: (() => unknown)[] = [];

let orders: TestDatabase;
let observer: Database;
let dlqOperator: Database;
let observed: Observed[];
let kafka: KafkaView;
let ask: Ask;
let readOnly: Ask;

beforeAll(async () => {
  const databases = await Promise.all(
    observedServices(system).map(({ database }) => openTestDatabase(database as TestService)),
  );
  releases.push(...databases.map((database) => database.close));
  const openAs = (user: 'observer' | 'dlq_operator', { options }: TestDatabase) => {
    const password = setting(env, `${user.toUpperCase()}_PASSWORD`);
    const opened = openDatabase({ ...options, user, password, connections: 2 });
    releases.push(opened.close);
    return opened;
  };
  observed = observedServices(system).flatMap((service, at) => {
    const database = databases[at];
    return database ? [{ service, db: openAs('observer', database).db }] : [];
  });
  [orders] = databases as [TestDatabase];
  observer = openAs('observer', orders);
  dlqOperator = openAs('dlq_operator', orders);
  kafka = createKafkaView('test', { brokers: setting(env, 'KAFKA_BROKERS').split(',') }, [
    'a-topic-that-nobody-made',
  ]);
  releases.push(kafka.close);
  ask = await serveConsole(TOKEN);
  readOnly = await serveConsole(undefined);
});
afterAll(async () => {
  for (const release of releases.reverse()) await release();
});

async function serveConsole(token: string | undefined, services = observed): Promise<Ask> {
  const load = createSampleLoad('http://127.0.0.1:1', { path: '/orders', body: () => ({}) });
  // Nobody listens there, and unlike port 1 it is none that fetch refuses by itself.
  const connect = { url: 'http://127.0.0.1:2' };
  const sources = { observed: services, kafka, connect };
  const parts = startConsole({
    ...{ ...sources, token, load, deadLetterActions: undefined, traceUrl: null, scenario: null },
    logger,
  });
  const app = await buildApp(parts, { logger, readiness: {}, hosts: ['console.example'] });
  releases.push(load.close, parts.close, () => app.close());
  return serve(app);
}

const put = (body: unknown, headers = {}) => ({ method: 'PUT', body, headers });
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

test('the snapshot shows what can be asked, and why the rest cannot', async () => {
  const { status, json } = await ask('/api/snapshot');
  expect(status).toBe(200);
  const { services, slots, connectors, topics, heads, changeable } = json as Snapshot;
  expect(services.map(({ name }) => name)).toEqual(observedServices(system).map(({ name }) => name));
  expect(services[0]?.counters).toEqual({
    value: {
      outbox: expect.any(Number),
      inbox: expect.any(Number),
      effects: 0,
      backlog: { count: 0, oldest: null },
      refused: null,
    },
  });
  expect(services[3]?.deadLetters).toEqual({ value: { deadLetters: [], dead: 0, parked: 0 } });
  expect(slots).toMatchObject({ value: expect.any(Array) });
  expect(connectors).toEqual({
    error:
      'connectors: Kafka Connect at http://127.0.0.1:2 does not answer: connect ECONNREFUSED 127.0.0.1:2',
  });
  expect(topics).toMatchObject({ error: expect.stringMatching(/^Kafka: /) });
  expect(heads).toEqual({ value: { effect: 'orders', latest: [], pending: [] } });
  expect(changeable).toBe(true);
});

test('there are no latest keys where no service knows them', async () => {
  const askOthers = await serveConsole(undefined, observed.slice(1));
  expect((await askOthers('/api/snapshot')).json).toMatchObject({ heads: null });
});

test('the stream sends one picture after the other, with the headers of every other answer', async () => {
  const base = (await ask('/health/live')).url;
  const leaving = new AbortController();
  const response = await fetch(new URL('/api/events', base), { signal: leaving.signal });
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk);
    if ((text.match(/^event: snapshot$/gm) ?? []).length === 2) break;
  }
  leaving.abort();
  const [first = ''] = /(?<=^event: snapshot\ndata: ).*$/m.exec(text) ?? [];
  expect((JSON.parse(first) as Snapshot).services).toHaveLength(4);
});

test('the page and its policy: nothing from elsewhere, in no frame', async () => {
  const { headers } = await ask('/api/snapshot');
  expect(headers.get('content-security-policy')).toMatch(/script-src 'self';.*frame-ancestors 'none'/);
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.get('referrer-policy')).toBe('no-referrer');
  expect(headers.get('cache-control')).toBe('no-store');
});

test.each([
  ['/api/load', put({ perSecond: 1 })],
  ['/api/dead-letters/payment/1/replay', { method: 'POST' }],
  ['/api/dead-letters/payment/1/discard', { method: 'POST', body: { reason: 'no' } }],
  ['/api/session', {}],
])('%s is refused without the token, and everywhere where none is set', async (path, init) => {
  expect((await ask(path, init)).status).toBe(401);
  const wrong = await ask(path, { ...init, headers: bearer('another token') });
  expect(wrong.status).toBe(401);
  expect(wrong.headers.get('www-authenticate')).toBe('Bearer');
  const foreign = await ask(path, { ...init, headers: { ...bearer(TOKEN), 'sec-fetch-site': 'cross-site' } });
  expect(foreign.status).toBe(403);
  const closed = await readOnly(path, { ...init, headers: bearer(TOKEN) });
  expect(closed.status).toBe(403);
  expect(closed.json.detail).toContain('CONSOLE_TOKEN is not set');
});

test('with the token: the load within its bound, and one clear line for what cannot be', async () => {
  const headers = bearer(TOKEN);
  expect((await ask('/api/session', { headers })).json).toEqual({ granted: true });
  expect((await ask('/api/load', put({ perSecond: 51 }, headers))).status).toBe(400);
  expect((await ask('/api/load', put({ perSecond: 2 }, headers))).json).toMatchObject({ perSecond: 2 });
  expect((await ask('/api/load', put({ perSecond: 0 }, headers))).json).toMatchObject({ endsAt: null });
  const deadLetter = await ask('/api/dead-letters/payment/1/replay', { method: 'POST', headers });
  expect(deadLetter.status).toBe(403);
  expect(deadLetter.json.detail).toContain('DLQ_OPERATOR_PASSWORD is not set');
});

test.each([
  ['01A20A29-FDEF-7588-A123-7DA3B8390638', '01a20a29-fdef-7588-a123-7da3b8390638'],
  ['42', '42'],
  ['urn:uuid:01a20a29-fdef-7588-a123-7da3b8390638', 'urn:uuid:01a20a29-fdef-7588-a123-7da3b8390638'],
  ['a/b?c#d %', 'a/b?c#d %'],
  ['열'.repeat(1_000), '열'.repeat(1_000)],
])('a key is any text, and one that nobody knows is no error: %.60s', async (given, key) => {
  const { status, json } = await ask(`/api/keys/${encodeURIComponent(given)}`);
  expect(status).toBe(200);
  expect(json).toMatchObject({ key, verdict: { state: 'unknown' }, steps: [] });
  expect(json.problems.filter((each: string) => each.startsWith('database'))).toEqual([]);
});

// A page of another site whose name points here must not read what is here.
test.each([
  ['localhost', 200],
  ['LOCALHOST:3100', 200],
  ['127.0.0.1:3100', 200],
  ['[::1]:3100', 200],
  ['console.example', 200],
  ['evil.example', 403],
  ['evil.example:3100', 403],
  ['localhost.evil.example', 403],
  ['console.example.evil.example', 403],
  ['127.0.0.1.evil.example', 403],
  ['evil.example@localhost:x', 403],
  ['10.0.0.1', 403],
  ['', 403],
])('the page and what it reads, asked for as %j: %i', async (host, status) => {
  const { url } = await ask('/health/live');
  for (const path of ['/', '/api/keys/01a20a29-fdef-7588-a123-7da3b8390638']) {
    const text = `GET ${path} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`;
    const [answer] = parseAnswers(await sendRaw(url, text));
    expect(answer?.status).toBe(status);
    if (status === 403) expect(answer?.body).toContain('CONSOLE_HOSTS');
  }
  const probe = `GET /health/live HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`;
  expect(parseAnswers(await sendRaw(url, probe))[0]?.status).toBe(200);
});

test('more look-ups at once than it takes are told to come back', async () => {
  const path = '/api/keys/01a20a29-fdef-7588-a123-7da3b8390638';
  const answers = await Promise.all(Array.from({ length: 60 }, () => ask(path)));
  const refused = answers.filter(({ status }) => status === 503);
  expect(refused.length).toBeGreaterThan(0);
  expect(answers.filter(({ status }) => status === 200).length).toBe(60 - refused.length);
  for (const { headers, json } of refused)
    expect([headers.get('retry-after'), json.type]).toEqual(['1', 'urn:walpost:problem:busy']);
  expect((await ask(path)).status).toBe(200);
});

test.each([
  ['with a NUL', '42%00'],
  ['that is too long', 'x'.repeat(1_001)],
  ['without a character', ''],
])('a key %s is refused', async (_what, key) => {
  const answer = await ask(`/api/keys/${key}`);
  expect([answer.status, answer.json.status]).toEqual([400, 400]);
});

// What a role may not do is the point of having it.
test('observer writes nothing, and dlq_operator closes dead letters only', async () => {
  const refused = { code: expect.stringMatching(/^42501$|^25006$/) };
  await expect(observer.db.execute('delete from inbox')).rejects.toMatchObject(refused);
  await expect(observer.db.execute('create temp table t (a int)')).rejects.toMatchObject(refused);
  for (const statement of [
    'select id from orders',
    'delete from dead_letters',
    "update dead_letters set topic = ''",
  ])
    await expect(dlqOperator.db.execute(statement)).rejects.toMatchObject(refused);
  await dlqOperator.db.execute('update dead_letters set replay_requested_at = now()');
  // An early migration grants to it, and the last one drops it again.
  expect(await orders.admin`select from pg_roles where rolname = 'letters'`).toHaveLength(0);
});
