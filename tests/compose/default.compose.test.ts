import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { programSecrets, secretNames } from 'walpost/stack/secrets';
import { endOf, eventually, kafkaOf, placeOrder, setting } from 'walpost/testing/support';
import system from '../../walpost.config.ts';
import { ASK_EVERY, type ComposeStack, composeStack, TIMEOUT_S } from './compose-stack.ts';
import { effectsOf, exactly, orderWhile } from './order-load.ts';

let stack: ComposeStack;
beforeAll(async () => {
  stack = await composeStack(['compose.yaml']);
});
afterAll(() => stack?.close());

const SERVICES = ['order', 'payment', 'inventory', 'notification'];

test('one command, with nothing before it, and an order goes all the way', async () => {
  await stack.explaining(() => stack.compose('up', '--build', '--wait'));
  const { id } = await placeOrder(stack.env);
  expect((await endOf(stack.env, id)).status).toBe('CONFIRMED');
  expect(await effectsOf(stack.env, [id])).toEqual(exactly(1));
}, 900_000);

test('what registers may be run by hand again, and changes nothing', async () => {
  for (const what of [
    ['topics', 'apply'],
    ['schemas', 'register'],
    ['connectors', 'apply'],
  ]) {
    const [, ...rows] = (await stack.compose('run', '--rm', 'walpost', ...what)).trim().split('\n');
    expect(rows.length).toBeGreaterThan(2);
    expect(rows.filter((row) => !row.includes('unchanged'))).toEqual([]);
  }
});

test('the console shows what there is, and doctor finds nothing broken', async () => {
  const console = `http://127.0.0.1:${setting(stack.env, 'CONSOLE_PORT')}`;
  expect(await (await fetch(console)).text()).toContain('Walpost console');
  const snapshot = await eventually(async () => {
    const answer = (await (await fetch(`${console}/api/snapshot`)).json()) as { issues: unknown[] };
    return answer.issues.length === 0 ? answer : undefined;
  });
  expect(snapshot).toMatchObject({ groups: { value: { length: 4 } }, changeable: true });
  const refused = await fetch(`${console}/api/load`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  });
  expect(refused.status).toBe(401);
  expect(await stack.compose('run', '--rm', 'walpost', 'doctor')).toMatch(/, 0 broken$/m);
});

test('Kafka’s own tools are in the broker’s container, as the course calls them', async () => {
  const course = readFileSync(new URL('../../docs/concepts.md', import.meta.url), 'utf8');
  const [, called = ''] = /^docker compose exec kafka (.+)$/m.exec(course) ?? [];
  const said = await stack.compose('exec', '-T', 'kafka', ...called.split(' '));
  expect(said).toMatch(/^Topic: order-events\s/m);
});

test('nothing listens beyond the loopback address', async () => {
  const { services } = JSON.parse(await stack.compose('config', '--format', 'json')) as {
    services: Record<string, { ports?: { host_ip?: string }[]; network_mode?: string }>;
  };
  const published = Object.entries(services).filter(([, { ports }]) => ports);
  expect(
    published.flatMap(([, { ports = [] }]) => ports).filter(({ host_ip }) => host_ip !== '127.0.0.1'),
  ).toEqual([]);
  expect(published.map(([name]) => name).sort()).toEqual([
    'connect',
    'console',
    'inventory',
    'kafka',
    'mail',
    'notification',
    'order',
    'payment',
    'postgres',
    'registry',
    'watcher',
  ]);
  // What makes the passwords has no network at all.
  const modes = Object.entries(services).flatMap(([name, { network_mode: mode }]) =>
    mode ? [[name, mode]] : [],
  );
  expect(modes).toEqual([['secrets', 'none']]);
});

test('what keeps running may take 4 GB of memory together, and no more', async () => {
  const { services } = JSON.parse(await stack.compose('config', '--format', 'json')) as {
    services: Record<string, { restart?: string; mem_limit?: string }>;
  };
  const running = Object.entries(services).filter(([, { restart }]) => restart !== 'no');
  expect(running.filter(([, { mem_limit }]) => !mem_limit).map(([name]) => name)).toEqual([]);
  const sum = running.reduce((bytes, [, { mem_limit }]) => bytes + Number(mem_limit), 0);
  expect(sum / 2 ** 30).toBeLessThanOrEqual(4);
});

/** Runs SQL in the Postgres container as a role, by TCP as everybody else. @returns what psql said, good or bad */
async function psql(role: string, password: string, database: string, text: string): Promise<string> {
  const connection = `host=postgres user=${role} password=${password} ${database}`;
  try {
    return (await stack.compose('exec', '-T', 'postgres', 'psql', '-XAtc', text, connection)).trim();
  } catch (error) {
    return String(error);
  }
}

test('cdc reads the outbox and replicates from the publishing databases, and may do nothing else', async () => {
  const cdc = (database: string, text: string) =>
    psql('cdc', setting(stack.env, 'CDC_PASSWORD'), database, text);
  expect(await cdc('dbname=orders', 'select count(*) > 0 from outbox')).toBe('t');
  expect(await cdc('dbname=orders replication=database', 'IDENTIFY_SYSTEM')).toContain('|orders');
  expect(await cdc('dbname=orders', 'select id from orders')).toMatch(/permission denied for table orders/);
  expect(await cdc('dbname=orders', 'delete from outbox')).toMatch(/permission denied for table outbox/);
  expect(await cdc('dbname=notifications', 'select 1')).toMatch(/pg_hba.conf rejects/);
  expect(await cdc('dbname=postgres', 'select 1')).toMatch(/pg_hba.conf rejects/);
  expect(await cdc('dbname=orders replication=true', 'IDENTIFY_SYSTEM')).toMatch(
    /no pg_hba.conf entry for replication/,
  );
  expect(await psql('cdc', 'wrong', 'dbname=orders', 'select 1')).toMatch(/password authentication failed/);
});

test('a connector may neither name other servers nor read the rest of the worker’s environment', async () => {
  const url = `http://127.0.0.1:${setting(stack.env, 'CONNECT_PORT')}`;
  const config = (await (await fetch(`${url}/connectors/order-outbox/config`)).json()) as Record<
    string,
    string
  >;
  const check = async (change: Record<string, string>) => {
    const answer = await fetch(`${url}/connectors/probe/config`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        ...config,
        name: 'probe',
        'topic.prefix': 'probe',
        'slot.name': 'probe',
        ...change,
      }),
    });
    return `${answer.status} ${await answer.text()}`;
  };
  expect(await check({ 'producer.override.bootstrap.servers': 'elsewhere:9092' })).toMatch(
    /^400 .*'Allowlist' policy does not allow 'bootstrap\.servers'/s,
  );
  // Left as it stands, so it is no database's name.
  expect(await check({ 'database.dbname': '$' + '{env:GROUP_ID}' })).toMatch(
    /^400 .*database "\$\{env:GROUP_ID\}" does not exist|^[45]00 .*GROUP_ID/s,
  );
});

test('a topic comes from the table of topics, never from a typing error', async () => {
  const producer = kafkaOf(stack.env).producer({ retry: { retries: 1 } });
  await producer.connect();
  const sent = producer.send({ topic: 'order-event', messages: [{ value: 'x' }] });
  await expect(sent).rejects.toThrow(/does not host this topic-partition/);
  await producer.disconnect();
});

test('a service is nobody in its container, writes nowhere, and carries no password in its image', async () => {
  const probe = `
    const { readFileSync, writeFileSync } = require('node:fs');
    const open = ['/app/x', '/etc/x', '/home/node/x', '/x'].filter((file) => {
      try { writeFileSync(file, ''); return true; } catch { return false; }
    });
    const [, capabilities] = /CapEff:\\s*(\\w+)/.exec(readFileSync('/proc/self/status', 'utf8'));
    console.log(JSON.stringify({ uid: process.getuid(), open, capabilities: Number('0x' + capabilities) }));`;
  for (const service of [...SERVICES, 'watcher', 'mail']) {
    const said = await stack.compose('exec', '-T', service, 'node', '-e', probe);
    expect([service, JSON.parse(said)]).toEqual([service, { uid: 1000, open: [], capabilities: 0 }]);
  }
});

test('each program finds its own secrets in its container, and no variable of it holds one', async () => {
  const { services } = JSON.parse(await stack.compose('config', '--format', 'json')) as {
    services: Record<string, { environment?: Record<string, string> }>;
  };
  const names = secretNames(system);
  const made = names.map((name) => setting(stack.env, name));
  for (const service of [
    'postgres',
    'kafka',
    'connect',
    'registry',
    'mail',
    ...SERVICES,
    'console',
    'watcher',
  ]) {
    const look = 'cat /run/secrets/* 2> /dev/null; env; true';
    const said = await stack.compose('exec', '-T', service, 'sh', '-c', look);
    const found = names.filter((_name, at) => said.includes(String(made[at])));
    expect([service, found]).toEqual([service, Object.values(programSecrets(system)[service] ?? {})]);
    const given = Object.values(services[service]?.environment ?? {}).filter((value) => made.includes(value));
    expect([service, given]).toEqual([service, []]);
  }
});

test('whoever needs a password is shown it', async () => {
  const token = (await stack.compose('run', '--rm', 'secrets', 'show', 'CONSOLE_TOKEN')).trim();
  const url = `http://127.0.0.1:${setting(stack.env, 'CONSOLE_PORT')}/api/load`;
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
  const answer = await fetch(url, { method: 'PUT', headers, body: '{}' });
  expect(answer.status).toBe(400);
  const said = [
    'exec',
    '-T',
    'postgres',
    'psql',
    '-U',
    'postgres',
    '-d',
    'orders',
    '-XAtc',
    'select current_user',
  ];
  expect((await stack.compose(...said)).trim()).toBe('postgres');
});

test('told to stop under load, each service is gone within 10 s, and no message is lost', async () => {
  const { ids } = await orderWhile(stack.env, async () => {
    for (const service of SERVICES) {
      await stack.compose('stop', service);
      const ended = await stack.inspect(service, '{{.State.ExitCode}} {{.State.OOMKilled}}');
      // 137 would be the end of Docker's own time-out, which is 10 s.
      expect([service, ended]).toEqual([service, '0 false']);
      await stack.start(service);
      await stack.healthy(service);
    }
  });
  expect(ids.length).toBeGreaterThan(10);
  expect(await effectsOf(stack.env, ids)).toEqual(exactly(ids.length));
}, 900_000);

// What a broker forgets to end may be sent again (docs/decisions/0016-end-hanging-transactions.md), so Kafka dies alone.
test.each([
  [[['order', 'payment', 'notification', 'mail', 'watcher'], ['connect', 'registry'], ['postgres']], {}],
  [[['kafka']], { mayRepeat: true }],
])(
  '%j die under load, each group at once, come back by themselves, and every order has its effects once',
  async (groups, effects) => {
    const restarts = async (service: string) => Number(await stack.inspect(service, '{{.RestartCount}}'));
    await stack.explaining(async () => {
      const { ids } = await orderWhile(stack.env, async () => {
        for (const group of groups) {
          const before = await Promise.all(group.map(restarts));
          await Promise.all(group.map((service) => stack.crash(service)));
          for (const [at, service] of group.entries()) {
            await eventually(
              async () => (await restarts(service)) > Number(before[at]) || undefined,
              TIMEOUT_S,
              {
                every: ASK_EVERY,
              },
            );
            await stack.healthy(service);
          }
          const { id } = await eventually(() => placeOrder(stack.env), TIMEOUT_S);
          const { status } = await endOf(stack.env, id, TIMEOUT_S);
          expect([group, status]).toEqual([group, 'CONFIRMED']);
        }
      });
      expect(ids.length).toBeGreaterThan(0);
      expect(await effectsOf(stack.env, ids, effects)).toEqual(exactly(ids.length));
    });
  },
  900_000,
);

test('down keeps the data, and the services may come back first: each waits, says for what, and goes on', async () => {
  const { id } = await placeOrder(stack.env);
  await endOf(stack.env, id);
  const before = { ...stack.env };
  await stack.compose('down');
  await stack.compose('up', '--detach', '--no-deps', ...SERVICES, 'watcher');
  const waitsFor: Record<string, RegExp> = {
    order: /waiting for .*schema ids/,
    payment: /waiting for .*Kafka/,
    inventory: /waiting for .*Kafka/,
    notification: /waiting for .*Kafka/,
    watcher: /Kafka Connect at .* (ENOTFOUND|EAI_AGAIN)/,
  };
  for (const [service, line] of Object.entries(waitsFor)) {
    await eventually(
      async () => (line.test(await stack.compose('logs', service)) ? true : undefined),
      TIMEOUT_S,
      { every: ASK_EVERY },
    );
  }
  // A watcher that has been without Connect for longer than its start may take is unhealthy, until Connect is there.
  await eventually(() => stack.compose('up', '--wait'), TIMEOUT_S, { every: ASK_EVERY });
  for (const service of SERVICES)
    expect([service, await stack.inspect(service, '{{.RestartCount}}')]).toEqual([service, '0']);
  // The passwords are kept with the data.
  expect(stack.env).toEqual(before);
  expect((await endOf(stack.env, id)).status).toBe('CONFIRMED');
  const again = await placeOrder(stack.env);
  expect((await endOf(stack.env, again.id)).status).toBe('CONFIRMED');
  expect(await effectsOf(stack.env, [id, again.id])).toEqual(exactly(2));
  await stack.compose('down', '--volumes');
  expect((await stack.compose('volumes', '--quiet')).trim()).toBe('');
}, 900_000);
