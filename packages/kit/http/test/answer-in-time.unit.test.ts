import { once } from 'node:events';
import { connect } from 'node:net';
import { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, test } from '@jest/globals';
import Fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import { parseAnswers, sendRaw } from 'walpost/testing/raw-http';
import { createLogger } from '../../telemetry/logger.ts';
import { answerInTime } from '../answer-in-time.ts';
import { boundOpenRequests } from '../bound-open-requests.ts';
import { sendProblem } from '../problem.ts';

const WITHIN = 100;

let app: FastifyInstance | undefined;
afterEach(() => app?.close());

/** @returns the URL of what answers by this handler */
function listen(handler: () => Promise<unknown>, within = WITHIN): Promise<string> {
  app = Fastify();
  app.setErrorHandler(sendProblem);
  answerInTime(app, within);
  app.get('/', handler);
  return app.listen({ port: 0 });
}

test('a request that waits too long is told to try again, and its late answer does no harm', async () => {
  let finish: (late: string) => void = () => undefined;
  const late = new Promise<string>((resolve) => {
    finish = resolve;
  });
  const url = await listen(() => late);
  const answer = await fetch(url);
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
  expect(await answer.json()).toMatchObject({ detail: 'The answer took too long. Try again.' });
  finish('late');
  const next = await fetch(url);
  expect([next.status, await next.text()]).toEqual([200, 'late']);
});

test('what is logged of a late answer has no address, which may name a customer', async () => {
  const lines: string[] = [];
  const sink = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  app = Fastify({ loggerInstance: createLogger('test', 'warn', sink) as FastifyBaseLogger });
  app.setErrorHandler(sendProblem);
  answerInTime(app, WITHIN);
  let finish: () => void = () => undefined;
  app.get('/', () => new Promise((resolve) => (finish = () => resolve('late'))));
  const answer = await fetch(`${await app.listen({ port: 0 })}/?customerId=jane-of-acme`);
  expect(answer.status).toBe(503);
  lines.length = 0;
  finish();
  await new Promise(setImmediate);
  expect(lines.join('')).toContain('an answer came when its request had been answered');
  expect(lines.join('')).not.toContain('jane');
});

test('requests that wait together are each answered or told to try again, whichever ends first', async () => {
  const finish: ((answer: string) => void)[] = [];
  let arrived: () => void = () => undefined;
  const url = await listen(() => {
    arrived();
    return new Promise<string>((resolve) => finish.push(resolve));
    // A busy machine takes a while until all four are there.
  }, 3_000);
  const answers: Promise<Response>[] = [];
  for (let at = 0; at < 4; at++) {
    const arrival = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    answers.push(fetch(url));
    await arrival;
  }
  for (const at of [0, 3]) {
    finish[at]?.('in time');
    expect((await answers[at])?.status).toBe(200);
  }
  expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 503, 503, 200]);
});

test('an answer that has begun may take as long as it likes', async () => {
  async function* slowly() {
    yield 'begun, ';
    await delay(3 * WITHIN);
    yield 'ended';
  }
  const answer = await fetch(await listen(async () => Readable.from(slowly())));
  expect([answer.status, await answer.text()]).toEqual([200, 'begun, ended']);
});

test('those who hold many requests open make room, and whoever comes next is served', async () => {
  app = Fastify();
  app.setErrorHandler(sendProblem);
  boundOpenRequests(app, { connection: 3, all: 4 });
  let open = 0;
  let release: () => void = () => undefined;
  let released = Promise.resolve();
  const hold = () => {
    open = 0;
    released = new Promise((resolve) => {
      release = resolve;
    });
  };
  app.get('/', async () => {
    open += 1;
    await released;
    return 'done';
  });
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  const ask = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n';
  const last = 'GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n';
  const until = async (count: number) => {
    while (open < count) await new Promise(setImmediate);
  };
  const statusesOf = async (answers: Promise<string>) =>
    parseAnswers(await answers).map(({ status }) => status);

  // A client that goes away without its answers holds nothing.
  hold();
  const gone = connect(Number(new URL(url).port), '127.0.0.1');
  gone.write(ask.repeat(3));
  await until(3);
  gone.destroy();
  await once(gone, 'close');

  hold();
  const first = sendRaw(url, ask.repeat(2) + last);
  await until(3);
  const second = sendRaw(url, ask.repeat(2) + last);
  await until(4);
  const stranger = fetch(url);
  await until(5);
  release();
  expect(await statusesOf(first)).toEqual([200, 200, 200]);
  expect(await statusesOf(second)).toEqual([200, 503, 503]);
  expect((await stranger).status).toBe(200);
});
