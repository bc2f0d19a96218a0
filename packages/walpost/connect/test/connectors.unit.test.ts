import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, jest, test } from '@jest/globals';
import { HEADERS } from '@walpost/kit/contract/headers';
import system from '../../../../walpost.config.ts';
import { applyConnectors } from '../apply-connectors.ts';
import { awaitConnector, failure } from '../await-connector.ts';
import type { ConnectClient, ConnectorConfig, ConnectorState, ConnectorStatus } from '../connect-client.ts';
import { readConnectorFiles } from '../connector-files.ts';

const { topics } = system;

const TRACE = `org.apache.kafka.connect.errors.ConnectException: Cannot start.
\tat io.debezium.Some.method(Some.java:1)
Caused by: java.lang.RuntimeException: in between
Caused by: org.postgresql.util.PSQLException: FATAL: password authentication failed for user "cdc"
\tat org.postgresql.Other.method(Other.java:2)`;

const status = (connector: ConnectorState, ...tasks: ConnectorState[]): ConnectorStatus => ({
  connector: { state: connector, worker_id: 'w' },
  tasks: tasks.map((state, id) => ({
    id,
    state,
    worker_id: 'w',
    ...(state === 'FAILED' ? { trace: TRACE } : {}),
  })),
});

/** A Connect that has one config and goes through these states, staying in the last. */
function connectOf(states: (ConnectorStatus | undefined)[], current?: ConnectorConfig) {
  return {
    names: async () => ['a'],
    plugins: async () => [],
    config: async () => current,
    put: jest.fn(async (_name: string, _config: ConnectorConfig) => undefined),
    status: async () => (states.length > 1 ? states.shift() : states[0]),
    restart: jest.fn(async () => undefined),
    pause: async () => undefined,
    resume: async () => undefined,
    stop: async () => undefined,
    delete: async () => undefined,
    resetOffsets: async () => undefined,
  } satisfies ConnectClient;
}

const options = { seconds: 2, restartFailed: true };

test('a connector runs when it and every task do', async () => {
  const connect = connectOf([
    undefined,
    status('RUNNING'),
    status('RUNNING', 'RUNNING', 'UNASSIGNED'),
    status('RUNNING', 'RUNNING', 'RUNNING'),
  ]);
  await awaitConnector(connect, 'a', 'RUNNING', options);
  expect((await connect.status())?.tasks.map((task) => task.state)).toEqual(['RUNNING', 'RUNNING']);
});

test('a failed task is restarted once, and its old failure is not held against it', async () => {
  const failed = status('RUNNING', 'FAILED');
  const connect = connectOf([failed, failed, status('RUNNING', 'RESTARTING'), status('RUNNING', 'RUNNING')]);
  await awaitConnector(connect, 'a', 'RUNNING', options);
  expect(connect.restart).toHaveBeenCalledTimes(1);
});

test('a task that fails again ends with its own error', async () => {
  const connect = connectOf([
    status('RUNNING', 'FAILED'),
    status('RUNNING', 'RUNNING', 'UNASSIGNED'),
    status('RUNNING', 'FAILED'),
  ]);
  await expect(awaitConnector(connect, 'a', 'RUNNING', options)).rejects.toThrow(
    'a failed: ConnectException: Cannot start; caused by PSQLException: FATAL: password authentication failed for user "cdc"',
  );
});

test.each([
  ['no task yet', [status('RUNNING')], 'a is not RUNNING after 0.5 s: connector RUNNING, no task yet'],
  ['not known', [undefined], 'a is not RUNNING after 0.5 s: unknown to Kafka Connect'],
  ['paused', [status('PAUSED', 'PAUSED')], 'a is PAUSED; run `walpost connectors resume a`'],
])('a connector that is %s is named as such in bounded time', async (_, states, message) => {
  const attempt = awaitConnector(connectOf(states), 'a', 'RUNNING', { seconds: 0.5, restartFailed: true });
  await expect(attempt).rejects.toThrow(message);
});

test('a connector that was told to resume may be paused for a moment more', async () => {
  const connect = connectOf([
    status('PAUSED', 'PAUSED'),
    status('RUNNING', 'PAUSED'),
    status('RUNNING', 'RUNNING'),
  ]);
  await awaitConnector(connect, 'a', 'RUNNING', { seconds: 2, restartFailed: false, resumed: true });
  expect((await connect.status())?.connector.state).toBe('RUNNING');
});

test('a connector is stopped when it has no task any more, whatever its tasks were', async () => {
  const connect = connectOf([
    status('RUNNING', 'FAILED'),
    status('STOPPED', 'RUNNING'),
    status('STOPPED'),
    status('RUNNING'),
  ]);
  await awaitConnector(connect, 'a', 'STOPPED', { seconds: 2, restartFailed: false });
  expect((await connect.status())?.connector.state).toBe('RUNNING');
  expect(connect.restart).not.toHaveBeenCalled();
});

test('a trace without a cause, and none at all', () => {
  const failed = { connector: { state: 'FAILED' as const, worker_id: 'w' }, tasks: [] };
  expect(failure(failed)).toBe('no trace given');
  expect(failure({ ...failed, connector: { ...failed.connector, trace: 'a.b.C: why\n\tat x' } })).toBe(
    'C: why',
  );
  expect(failure(status('RUNNING', 'RUNNING'))).toBeUndefined();
});

test('an unchanged connector is left alone, a changed one is sent', async () => {
  const running = [status('RUNNING', 'RUNNING')];
  const same = connectOf(running, { name: 'a', x: '1' });
  const outcome = await applyConnectors(same, [{ name: 'a', config: { x: '1' } }], 2);
  expect([outcome[0]?.outcome, same.put.mock.calls]).toEqual(['unchanged', []]);

  const changed = connectOf(running, { name: 'a', x: '1' });
  expect((await applyConnectors(changed, [{ name: 'a', config: { x: '2' } }], 2))[0]?.outcome).toBe(
    'changed',
  );
  expect(changed.put).toHaveBeenCalledWith('a', { x: '2' });
});

const folder = fileURLToPath(new URL('../../../../connectors', import.meta.url));

test('slot, publication and prefix carry the name of the file; secrets are placeholders; heartbeats have a topic', () => {
  const files = readConnectorFiles(folder, []);
  expect(files.map(({ name }) => name)).toEqual(['inventory-outbox', 'order-outbox', 'payment-outbox']);
  for (const { name, config } of files) {
    const underscored = name.replace('-', '_');
    expect(config).toMatchObject({
      'slot.name': underscored,
      'publication.name': underscored,
      'topic.prefix': name,
      'database.hostname': expect.stringMatching(/^\$\{env:POSTGRES_HOST\}$/),
      'database.password': expect.stringMatching(/^\$\{env:CDC_PASSWORD\}$/),
    });
    expect(topics.map((topic) => topic.name)).toContain(`__debezium-heartbeat.${name}`);
  }
});

test('a connector makes the headers that consumers look for, and no other', () => {
  for (const { config } of readConnectorFiles(folder, [])) {
    // column:header, or column:header:name; Debezium, "Outbox Event Router", table.fields.additional.placement
    const placed = config['transforms.outbox.table.fields.additional.placement']?.split(',') ?? [];
    const names = placed.map((each) =>
      each.replace(/^(.+):header(?::(.+))?$/, (_all, column, name) => name ?? column),
    );
    expect(names.sort()).toEqual(Object.values(HEADERS).sort());
  }
});

const broken = mkdtempSync(join(tmpdir(), 'walpost-connectors-'));
afterAll(() => rmSync(broken, { recursive: true }));

test.each([
  ['no JSON', '{', 'is not valid JSON|Expected'],
  ['a list', '[]', 'one JSON object'],
  ['a number', '{"tasks.max": 1}', '"tasks.max" must be text'],
  ['a wrapper', '{"name": "x", "config": {}}', '"config" must be text'],
])('a connector file with %s is refused', (_, text, message) => {
  writeFileSync(join(broken, 'x.json'), text);
  expect(() => readConnectorFiles(broken, [])).toThrow(new RegExp(message));
  expect(() => readConnectorFiles(broken, ['y'])).toThrow('no connector y');
});
