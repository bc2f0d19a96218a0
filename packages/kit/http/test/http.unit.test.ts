import { Agent, request } from 'node:http';
import { afterEach, expect, jest, test } from '@jest/globals';
import { pino } from 'pino';
import { contract } from '../../../../schemas/contract.generated.ts';
import { createOutboxEncoder, MAX_PAYLOAD_BYTES } from '../../outbox/outbox.ts';
import { type App, createApp } from '../http.ts';

let app: App | undefined;
afterEach(() => app?.server.closeAllConnections());

test('closing waits for a request under way and not for the connection that its client keeps', async () => {
  app = await createApp({ title: 'test', logger: pino({ level: 'silent' }), readiness: {} });
  const begun = Promise.withResolvers<void>();
  const finish = Promise.withResolvers<void>();
  app.get('/slow', async () => {
    begun.resolve();
    await finish.promise;
    return { done: true };
  });
  const url = await app.listen({ port: 0 });
  const agent = new Agent({ keepAlive: true });
  const answered = new Promise<string | undefined>((resolve, reject) => {
    request(`${url}/slow`, { agent }, (response) => {
      response.resume().once('end', () => resolve(`${response.statusCode} ${response.headers.connection}`));
    })
      .once('error', reject)
      .end();
  });
  await begun.promise;
  const closed = app.close();
  while (app.server.listening) await new Promise(setImmediate);
  finish.resolve();
  expect(await answered).toBe('200 close');
  await closed;
  // Fastify by itself gives up a kept connection after 72 s.
}, 60_000);

test('a plugin may take longer to load than Fastify’s 10 s', async () => {
  app = await createApp({ title: 'test', logger: pino({ level: 'silent' }), readiness: {} });
  jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
  try {
    const loaded = Promise.withResolvers<void>();
    app.register(() => loaded.promise);
    const ready = app.ready();
    await jest.advanceTimersByTimeAsync(60_000);
    loaded.resolve();
    await expect(ready).resolves.toBe(app);
  } finally {
    jest.useRealTimers();
  }
});

test('an event that is too large is the request’s fault, and said so', async () => {
  app = await createApp({ title: 'test', logger: pino({ level: 'silent' }), readiness: {} });
  app.post('/orders', async () => {
    const encode = createOutboxEncoder(contract, '/test', () => 1);
    const data = { orderId: 'a', customerId: 'c'.repeat(MAX_PAYLOAD_BYTES), currency: 'EUR', totalAmount: 1 };
    return encode(
      { type: 'OrderConfirmed', data: { ...data, confirmedAt: 1 } },
      { aggregateId: 'a', version: 1, traceparent: 't', time: new Date() },
    );
  });
  const answer = await fetch(`${await app.listen({ port: 0 })}/orders`, { method: 'POST' });
  expect(answer.status).toBe(413);
  expect(answer.headers.get('content-type')).toContain('application/problem+json');
  expect(await answer.json()).toMatchObject({
    type: expect.stringContaining('event-too-large'),
    detail: expect.stringMatching(
      /^walpost\.orders\.OrderConfirmed of a has \d+ bytes, and an event may have 1000000$/,
    ),
  });
  await app.close();
});

test('a readiness check that hangs is a reason not to be ready', async () => {
  const readiness = { hanging: () => new Promise<never>(() => undefined), fine: () => undefined };
  app = await createApp({ title: 'test', logger: pino({ level: 'silent' }), readiness });
  const url = await app.listen({ port: 0 });
  const answer = await fetch(`${url}/health/ready`);
  expect(answer.status).toBe(503);
  expect(await answer.json()).toEqual({
    status: 'unavailable',
    problems: { hanging: 'no answer within 2000 ms' },
  });
  app.server.closeAllConnections();
  await app.close();
});
