import { Agent, request } from 'node:http';
import { afterEach, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { type App, createApp } from '../http.js';

/** A promise and what resolves it; Promise.withResolvers is not there before Node 22. */
function resolvable() {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

let app: App | undefined;
afterEach(() => app?.server.closeAllConnections());

test('closing waits for a request under way and not for the connection that its client keeps', async () => {
  app = await createApp({ title: 'test', logger: pino({ level: 'silent' }), readiness: {} });
  const begun = resolvable();
  const finish = resolvable();
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
}, 5_000);
