import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { MAX_PAYLOAD_BYTES } from '@walpost/kit/outbox/outbox';
import system from '../../../../walpost.config.ts';
import { readConnectorFiles } from '../connector-files.ts';
import { debeziumProblem, isNewEnough } from '../debezium-version.ts';

const { topics } = system;

const file = (path: string) => fileURLToPath(new URL(`../../../../${path}`, import.meta.url));
const text = (path: string) => readFileSync(file(path), 'utf8');
const connectors = readConnectorFiles(file('connectors'), []);

/** The key, and all headers, each as long as the table lets it be; names and Debezium's own headers included. */
const BESIDE_THE_PAYLOAD = 4_096;

test('what the outbox takes fits every topic and every producer, and the table says the same as the code', () => {
  for (const { name, config } of topics.filter((topic) => topic.name.endsWith('-events'))) {
    expect([name, Number(config['max.message.bytes'])]).toEqual([name, 1_048_588]);
  }
  for (const { name, config } of connectors) {
    const takes = Number(config['producer.override.max.request.size']);
    expect([name, takes >= MAX_PAYLOAD_BYTES + BESIDE_THE_PAYLOAD]).toEqual([name, true]);
  }
  const migrations = readdirSync(file('packages/kit/outbox/migrations')).filter((name) =>
    name.endsWith('.sql'),
  );
  const limits = migrations.flatMap((name) => [
    ...text(`packages/kit/outbox/migrations/${name}`).matchAll(/octet_length\(payload\) <= (\d+)/g),
  ]);
  expect(Number(limits.at(-1)?.[1])).toBe(MAX_PAYLOAD_BYTES);
});

const heaps = (source: string) =>
  [...source.matchAll(/-Xmx(\d+)m/g)].map(([, megabytes]) => Number(megabytes));

test.each([
  ['npm start', heaps(text('packages/walpost/stack/connect.ts'))],
  ['docker compose', heaps(/HEAP_OPTS: .*/.exec(text('compose/infrastructure.yaml'))?.[0] ?? '')],
])('the queues of all connectors fit half of the heap that Connect has: %s', (_where, [megabytes = 0]) => {
  expect(megabytes).toBeGreaterThan(0);
  // A queue that is full, a batch that was taken out of it and is under way, and what the producer holds.
  const needed = connectors.map(
    ({ config }) =>
      2 * Number(config['max.queue.size.in.bytes']) + Number(config['producer.override.buffer.memory']),
  );
  expect(needed.every((bytes) => bytes > 0)).toBe(true);
  expect(needed.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThanOrEqual((megabytes * 2 ** 20) / 2);
});

test('a relay at a fiftieth of its usual 28,000 rows a second still writes a batch within its transaction', () => {
  // One that does not is told so by the broker, begins the whole snapshot again, and never comes to its end.
  for (const { name, config } of connectors) {
    const rowsPerSecond =
      (Number(config['max.batch.size']) / Number(config['producer.override.transaction.timeout.ms'])) * 1000;
    expect([name, rowsPerSecond <= 28_000 / 50]).toEqual([name, true]);
  }
});

test.each(['heartbeat', 'x', '', 'Heartbeat', 'a,b', 'a\nb', 'ü'])(
  'a logical message of prefix %j is no record',
  (prefix) => {
    for (const { name, config } of connectors) {
      const excluded = String(config['message.prefix.exclude.list']);
      // Debezium takes a list with commas, and each entry as a pattern of the whole prefix; Java's (?s) is JavaScript's flag.
      expect([name, excluded]).toEqual([name, '(?s).*']);
      expect(new RegExp(`^${excluded.replace('(?s)', '')}$`, 's').test(prefix)).toBe(true);
      expect(config).not.toHaveProperty('message.prefix.include.list');
    }
  },
);

const pinned = {
  'compose/versions.env': /^CONNECT_IMAGE=.*:(.+)$/m.exec(text('compose/versions.env'))?.[1],
  'packages/walpost/stack/pom.xml': /<debezium\.version>(.+)<\/debezium\.version>/.exec(
    text('packages/walpost/stack/pom.xml'),
  )?.[1],
};

test('both ways to run it have one Debezium, which skips nothing', () => {
  const versions = Object.values(pinned);
  expect(new Set(versions).size).toBe(1);
  expect(versions.map((version) => isNewEnough(version ?? ''))).toEqual([true, true]);
});

test.each([
  ['3.7.0.Final', true],
  ['3.7.1.Final', true],
  ['3.10.0.Final', true],
  ['4.0.0.Alpha1', true],
  ['3.7.0.CR1', false],
  ['3.7.0-SNAPSHOT', false],
  ['3.6.2.Final', false],
  ['2.7.4.Final', false],
  ['0.0', false],
  ['', false],
])('Debezium %s: %j', (version, expected) => {
  expect(isNewEnough(version)).toBe(expected);
  const plugin = { class: 'io.debezium.connector.postgresql.PostgresConnector', version };
  expect(debeziumProblem([plugin]) === undefined).toBe(expected);
});

test('a worker without Debezium is told so', () => {
  expect(debeziumProblem([])).toContain('has no io.debezium.connector.postgresql.PostgresConnector');
});
