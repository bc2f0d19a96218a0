import { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, test } from '@jest/globals';
import Fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import { answerInTime } from '../answer-in-time.js';
import { createLogger } from '../logger.js';
import { sendProblem } from '../problem.js';

const WITHIN = 100;

let app: FastifyInstance | undefined;
afterEach(() => app?.close());

/** @returns the URL of what answers by this handler */
function listen(handler: () => Promise<unknown>): Promise<string> {
  app = Fastify();
  app.setErrorHandler(sendProblem);
  answerInTime(app, WITHIN);
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

test('what is logged of a late answer has no address, in which a customer may stand', async () => {
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
  });
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
