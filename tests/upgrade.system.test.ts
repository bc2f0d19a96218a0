import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { kitMigrations, migrateDatabase } from '@walpost/kit/service/migrate';
import postgres from 'postgres';
import { call, connectTo, eventually, type OrderView, SAMPLE_ORDER, setting } from 'walpost/testing/support';
import { type TestStack, testStack } from 'walpost/testing/test-stack';

/** Orders a second. */
const RATE = 20;
/** How often every service is asked whether it is ready, ms. */
const PROBE_EVERY = 200;

const SERVICES = {
  order: 'orders',
  payment: 'payments',
  inventory: 'inventory',
  notification: 'notifications',
};
type Service = keyof typeof SERVICES;
const services = Object.keys(SERVICES) as Service[];

let stack: TestStack;
beforeAll(async () => {
  stack = await testStack(['postgres', 'kafka', 'registry', 'connect', 'mail', 'setup', 'services']);
});
afterAll(() => stack?.close());

/** A time in which a service was away or not ready, ms. */
interface Span {
  from: number;
  to: number;
}

/**
 * Places orders at a steady rate, whatever the answers. The order service has one process here, so while it is replaced
 * its port is away, or says that it is closing: only then is an order sent again, under its idempotency key.
 */
function startLoad(isOrderServiceReplaced: () => boolean) {
  const placed: string[] = [];
  const refused: string[] = [];
  const underWay = new Set<Promise<void>>();
  const begun = performance.now();
  let stopped = false;

  async function place(): Promise<void> {
    const init = {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': randomUUID() },
      body: JSON.stringify(SAMPLE_ORDER),
    };
    for (;;) {
      const wasReplaced = isOrderServiceReplaced();
      const answer = await call(stack.env, '/orders', init).catch((error: Error) => error);
      const excused = wasReplaced || isOrderServiceReplaced();
      if (!(answer instanceof Response)) {
        if (!excused) return void refused.push(`no answer: ${answer.cause ?? answer}`);
      } else if (answer.status === 201) {
        placed.push(((await answer.json()) as OrderView).id);
        return;
      } else if (!(answer.status === 503 && excused)) {
        return void refused.push(`${answer.status}: ${await answer.text()}`);
      }
      await delay(100);
    }
  }

  const running = (async () => {
    for (let number = 1; !stopped; number++) {
      const order = place().finally(() => underWay.delete(order));
      underWay.add(order);
      await delay(Math.max(0, begun + (number * 1000) / RATE - performance.now()));
    }
    await Promise.all(underWay);
  })();
  return {
    placed,
    refused,
    async stop() {
      stopped = true;
      await running;
    },
  };
}

/** Asks every service again and again whether it is ready, and notes when one was not. */
function startProbes() {
  const unready = new Map<Service, Span[]>(services.map((service) => [service, []]));
  const stopping = new AbortController();
  const running = services.map(async (service) => {
    let since: number | undefined;
    while (!stopping.signal.aborted) {
      const asked = performance.now();
      const isReady = await isOk(readiness(service));
      const now = performance.now();
      if (!isReady) since ??= asked;
      else if (since !== undefined) {
        unready.get(service)?.push({ from: since, to: now });
        since = undefined;
      }
      await delay(PROBE_EVERY);
    }
    if (since !== undefined) unready.get(service)?.push({ from: since, to: Number.POSITIVE_INFINITY });
  });
  return {
    async stop() {
      stopping.abort();
      await Promise.all(running);
      return unready;
    },
  };
}

/** Whether a GET is answered 200; a server that is away says no. */
async function isOk(url: string): Promise<boolean> {
  const response = await fetch(url).catch(() => undefined);
  await response?.arrayBuffer();
  return response?.ok ?? false;
}

/** Where a service says whether it is ready. */
const readiness = (service: Service) =>
  `http://127.0.0.1:${setting(stack.env, `${service.toUpperCase()}_PORT`)}/health/ready`;

/** Alters a table as docs/operations.md says: it gives way to those who queue behind it, and tries again. */
async function alter(admin: postgres.Sql, statement: string): Promise<void> {
  await eventually(() =>
    admin.begin(async (tx) => {
      await tx`set local lock_timeout = '1s'`;
      await tx.unsafe(statement);
      return true;
    }),
  );
}

/** Does to every table of a database what a migration may do that takes nothing away. @returns how many tables */
async function changeEveryTable(admin: postgres.Sql): Promise<number> {
  const tables = await admin<{ name: string; partitioned: boolean; first: string }[]>`
    select relname as name, relkind = 'p' as partitioned,
      (select attname from pg_attribute where attrelid = pg_class.oid and attnum = 1) as first
    from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition`;
  for (const { name, partitioned, first } of tables) {
    await alter(
      admin,
      `alter table ${name} add column upgraded text, add column upgraded_at timestamptz default now()`,
    );
    const columns = await admin<{ column: string }[]>`select attname as column from pg_attribute
      where attrelid = ${name}::regclass and atttypid = 'text'::regtype and attnum > 0 and not attisdropped`;
    const wider = columns.map(({ column }) => `alter column "${column}" type varchar(10000)`);
    if (wider.length > 0) await alter(admin, `alter table ${name} ${wider.join(', ')}`);
    // A partitioned table takes none concurrently; its partitions do.
    const indexed = partitioned ? `${name}_default` : name;
    await admin.unsafe(`create index concurrently on ${indexed} ("${first}")`);
    await admin.unsafe(`analyze ${name}`);
  }
  return tables.length;
}

test('an upgrade under load: tables change, services are replaced, and every order is confirmed', async () => {
  const replaced = new Map<Service, Span>();
  let current: Service | undefined;
  const load = startLoad(() => current === 'order');
  const probes = startProbes();
  await eventually(async () => (load.placed.length > 2 * RATE ? true : undefined));

  let changed = 0;
  for (const service of services) {
    const admin = connectTo(stack.env, SERVICES[service]);
    try {
      changed += await changeEveryTable(admin);
    } finally {
      await admin.end();
    }
  }
  expect(changed).toBeGreaterThanOrEqual(22);
  const beforeReplacing = load.placed.length;
  await eventually(async () => (load.placed.length > beforeReplacing + 2 * RATE ? true : undefined));

  for (const service of services) {
    const from = performance.now();
    current = service;
    await stack.stop(service);
    await stack.start(service);
    await eventually(async () => ((await isOk(readiness(service))) ? true : undefined));
    replaced.set(service, { from, to: performance.now() });
    current = undefined;
    const now = load.placed.length;
    await eventually(async () => (load.placed.length > now + RATE ? true : undefined));
  }
  await load.stop();
  expect(load.refused).toEqual([]);

  const orders = connectTo(stack.env, 'orders');
  try {
    const ends = await eventually(async () => {
      const rows = await orders<{ status: string; count: number }[]>`
        select status, count(*)::int from orders where id = any(${load.placed}) group by status`;
      return rows.some(({ status }) => status === 'PENDING') ? undefined : [...rows];
    }, 120);
    expect(ends).toEqual([{ status: 'CONFIRMED', count: load.placed.length }]);
  } finally {
    await orders.end();
  }

  const unready = await probes.stop();
  const longestRestart = Math.max(...[...replaced.values()].map(({ from, to }) => to - from));
  for (const [service, spans] of unready) {
    const own = replaced.get(service);
    const longer = spans.filter(({ from, to }) => {
      const isItsRestart = own !== undefined && from <= own.to && to >= own.from;
      return !isItsRestart && to - from > longestRestart;
    });
    expect([service, longer]).toEqual([service, []]);
  }

  for (const database of Object.values(SERVICES)) {
    const admin = connectTo(stack.env, database);
    try {
      const [row] = await admin`select count(*)::int as n from dead_letters`;
      expect([database, row?.['n']]).toEqual([database, 0]);
    } finally {
      await admin.end();
    }
  }
});

test('a server that has the role letters has it renamed, with its password and its grants', async () => {
  const [host, port] = ['127.0.0.1', Number(setting(stack.env, 'POSTGRES_PORT'))];
  const admin = connectTo(stack.env, 'orders');
  try {
    await admin`alter role dlq_operator rename to letters`;
    await migrateDatabase({
      host,
      port,
      adminPassword: setting(stack.env, 'POSTGRES_PASSWORD'),
      database: 'orders',
      appPassword: setting(stack.env, 'ORDERS_PASSWORD'),
      migrations: [kitMigrations.inbox],
    });
    const roles =
      await admin`select rolname as role from pg_roles where rolname in ('letters', 'dlq_operator')`;
    expect([...roles]).toEqual([{ role: 'dlq_operator' }]);
  } finally {
    await admin.end();
  }
  const password = setting(stack.env, 'DLQ_OPERATOR_PASSWORD');
  const operator = postgres({ host, port, database: 'orders', username: 'dlq_operator', password, max: 1 });
  try {
    await operator`update dead_letters set replay_requested_at = now() where false`;
  } finally {
    await operator.end();
  }
});
