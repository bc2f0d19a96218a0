import { beforeAll, expect, test } from '@jest/globals';
import { type App, createApp } from '@walpost/kit/http/http';
import { createOutboxEncoder } from '@walpost/kit/outbox/outbox';
import { openDatabase } from '@walpost/kit/postgres/database';
import { createLogger } from '@walpost/kit/telemetry/logger';
import { contract } from '../../../schemas/contract.generated.ts';
import * as inventory from '../../../services/inventory/app.ts';
import * as notification from '../../../services/notification/app.ts';
import * as order from '../../../services/order/app.ts';
import * as payment from '../../../services/payment/app.ts';
import { type ProbeReport, probeHttp } from '../probe-http.ts';

// What comes as far as the database is answered 503: this one is closed.
const { db, close } = openDatabase({
  ...{ host: '127.0.0.1', port: 2, database: 'none', user: 'none', password: 'none' },
  applicationName: 'test',
});
const logger = createLogger('test', 'silent');
const parts = { db, logger, readiness: {} };
const databases = { intake: db, cancels: db, reads: db };
const encode = createOutboxEncoder(contract, '/walpost/order-service', () => 1);

const builds: Record<string, () => Promise<App>> = {
  order: () => order.buildApp({ ...parts, databases, encode, clock: () => new Date() }),
  payment: () => payment.buildApp(parts),
  inventory: () => inventory.buildApp(parts),
  notification: () => notification.buildApp(parts),
  wrong: async () => {
    const app = await createApp({ title: 'test', logger, readiness: {} });
    const nothing = { schema: { response: { 200: {}, 404: {} } } };
    app.get('/teapot', nothing, async (_request, reply) => reply.code(418 as 404).send({}));
    app.get('/plain', nothing, async (_request, reply) => reply.code(404).send({}));
    return app;
  },
};

// Side by side: each waits until a request is too slow.
const reports = new Map<string, ProbeReport>();
beforeAll(async () => {
  await close();
  const probing = Object.entries(builds).map(async ([name, build]) => {
    const app = await build();
    reports.set(name, await probeHttp(await app.listen({ host: '127.0.0.1', port: 0 })));
    await app.close();
  });
  await Promise.all(probing);
});

test.each(['order', 'payment', 'inventory', 'notification'])(
  '%s answers malformed HTTP as its document says',
  (name) => {
    expect(reports.get(name)).toEqual({ sent: expect.any(Number), failures: [] });
  },
);

test('an answer that is not documented, or is no problem, is found', () => {
  const failures = reports.get('wrong')?.failures;
  expect(failures).toContain(
    'GET /teapot, an empty form: 418, not 200 or 400 or 404 or 408 or 417 or 431 or 503',
  );
  expect(failures).toContain('GET /plain, an empty form: 404 is no problem');
});
