import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { serve } from 'walpost/testing/serve';
import { exposeConnectors, exposeGroups } from 'walpost/watcher/relay-metrics';
import {
  beginCounting,
  countBatch,
  countResult,
  countRetry,
  exposeDeadLetters,
} from '../../consumer/metrics.ts';
import { order } from '../../consumer/test/order-record.ts';
import { formerMetrics } from '../../former-names.ts';
import { createApp } from '../../http/http.ts';
import { countWritten, exposeOutbox } from '../../outbox/metrics.ts';
import { openDatabase } from '../../postgres/database.ts';
import { exposeBacklog } from '../../service/backlog.ts';
import { createLogger } from '../logger.ts';
import { onScrape, registry, renderMetrics } from '../metrics.ts';

// Port 1 answers nobody.
const options = {
  host: '127.0.0.1',
  port: 1,
  database: 'd',
  user: 'u',
  password: 'p',
  applicationName: 'test',
};
const database = openDatabase(options);
const releases: (() => unknown)[] = [() => database.close()];
let ask: Awaited<ReturnType<typeof serve>>;

beforeAll(async () => {
  const app = await createApp({ title: 'Test', logger: createLogger('test', 'silent'), readiness: {} });
  app.get('/things/:id', async () => ({}));
  ask = await serve(app);
  releases.push(() => app.close());
});
afterAll(async () => {
  for (const release of releases.reverse()) await release();
});

test('the document lists every metric, with its type and labels, and no other', async () => {
  const document = readFileSync(new URL('../../../../docs/metrics.md', import.meta.url), 'utf8');
  const listed = [...document.matchAll(/^\| `(\w+)` +\| (\w+) +\| ([^|]*)\|/gm)].map(
    ([, name, type, labels]) => [name, type, ...((labels ?? '').match(/\w+/g) ?? [])].join(' '),
  );
  const metrics = await registry.getMetricsAsArray();
  const declared = metrics.map((metric) => {
    const { labelNames } = metric as unknown as { labelNames: string[] };
    const type = 'buckets' in metric ? 'histogram' : metric.name.endsWith('_total') ? 'counter' : 'gauge';
    return [metric.name, type, ...labelNames.filter((name) => name !== 'le')].join(' ');
  });
  expect(listed.sort()).toEqual(declared.sort());
});

test('every counter whose increase an alert asks for is there at 0 before anything happens', async () => {
  const begun: Record<string, () => void> = {
    walpost_connector_restarts_total: () => exposeConnectors(['some-outbox'], async () => [])(),
    walpost_consumer_sequence_anomalies_total: () => beginCounting({ topic: 'some-events', partition: 5 }),
  };
  for (const begin of Object.values(begun)) begin();
  const text = await renderMetrics();
  expect(text).toContain('walpost_connector_restarts_total{connector="some-outbox"} 0');
  for (const kind of ['gap', 'regression'])
    expect(text).toContain(
      `walpost_consumer_sequence_anomalies_total{topic="some-events",partition="5",kind="${kind}"} 0`,
    );
  const rules = readFileSync(
    new URL('../../../../compose/observability/alerts.yaml', import.meta.url),
    'utf8',
  );
  const asked = [...rules.matchAll(/\b(?:i?rate|increase)\((\w+)/g)].map(([, name]) => name);
  expect([...new Set(asked)].sort()).toEqual(Object.keys(begun));
});

test.each(Object.entries(formerMetrics))(
  '%s is the former name of %s, and shows the same',
  async (former, name) => {
    beginCounting({ topic: 'some-events', partition: 5 });
    const text = await renderMetrics();
    const of = (metric: string) =>
      text.split('\n').flatMap((line) => {
        const [sample, rest] = [line.slice(0, metric.length), line.slice(metric.length)];
        return sample === metric && /^[{ ]/.test(rest) ? [rest] : [];
      });
    expect(of(former)).toEqual(of(name));
    expect(text).toContain(`# TYPE ${name} `);
    expect(text).toContain(
      `# HELP ${former} The former name of ${name}, for one more release.\n# TYPE ${former} `,
    );
    const document = readFileSync(new URL('../../../../docs/metrics.md', import.meta.url), 'utf8');
    expect(document).toMatch(new RegExp(`^\\| \`${name}\` +\\| \`${former}\` +\\|$`, 'm'));
  },
);

test('requests are reported by route template and status, never by path', async () => {
  await ask('/things/1');
  await ask('/things/2');
  await ask('/nowhere/3');
  const { text, headers } = await ask('/metrics');
  expect(headers.get('content-type')).toContain('text/plain; version=0.0.4');
  const count = (route: string, status: number) =>
    `http_server_request_duration_seconds_count{http_request_method="GET",http_route="${route}",http_response_status_code="${status}"}`;
  expect(text).toContain(`${count('/things/:id', 200)} 2`);
  expect(text).toContain(`${count('', 404)} 1`);
  expect(text).not.toContain('nowhere');
});

test('with every source away a scrape succeeds, and says so', async () => {
  const away = async () => {
    throw new Error('away');
  };
  const stops = [
    exposeDeadLetters(database.db, 'd'),
    exposeBacklog(database.db, 'd', 'work'),
    exposeOutbox(database.db, 'd'),
    exposeConnectors(['order-outbox'], away),
    exposeGroups(away),
  ];
  const { status, text } = await ask('/metrics');
  for (const stop of stops) stop();
  expect(status).toBe(200);
  for (const source of ['database d', 'backlog d', 'outbox d', 'Kafka', 'Kafka Connect'])
    expect(text).toContain(`walpost_source_up{source="${source}"} 0`);
  expect(text).not.toMatch(/^walpost_(slot|group|dead)_\w+\{/m);
});

test('a source is read once for scrapes that come together or soon after, and one that hangs holds nobody', async () => {
  let reads = 0;
  const stopCounting = onScrape(
    'counted',
    async () => ++reads,
    () => undefined,
  );
  const stopHanging = onScrape(
    'hanging',
    () => new Promise<never>(() => undefined),
    () => undefined,
  );
  const begun = performance.now();
  const [text] = await Promise.all([renderMetrics(), renderMetrics()]);
  await renderMetrics();
  expect(reads).toBe(1);
  expect(performance.now() - begun).toBeLessThan(4_000);
  expect(text).toContain('walpost_source_up{source="hanging"} 0');
  stopCounting();
  stopHanging();
});

test('connectors, tasks and groups are reported as they are', async () => {
  const worker = { worker: 'w', error: null };
  const tasks = [{ id: 0, state: 'FAILED', ...worker }];
  const partition = {
    topic: 't',
    committed: '3',
    end: '5',
    problem: null,
    expired: 0,
    openTransaction: null,
    memberId: null,
    host: null,
  };
  const openTransaction = {
    topic: 't',
    partition: 3,
    from: '3',
    producerId: '17',
    producerEpoch: 0,
    lastWrite: Date.now(),
    transactionalId: 'billing',
    hanging: false,
    since: Date.now() - 45_000,
  };
  const stops = [
    exposeConnectors(['a', 'b'], async () => [{ name: 'a', state: 'RUNNING', ...worker, tasks }]),
    exposeGroups(async () => [
      {
        group: 'g',
        type: 'classic',
        state: 'Empty',
        members: 0,
        partitions: [
          { ...partition, partition: 0, lag: 2, oldestUnread: Date.now() - 60_000 },
          { ...partition, partition: 1, lag: 0, oldestUnread: null },
          { ...partition, partition: 2, lag: 7, oldestUnread: null },
          { ...partition, partition: 3, lag: 7, oldestUnread: null, openTransaction },
        ],
      },
    ]),
  ];
  const text = await renderMetrics();
  for (const stop of stops) stop();
  expect(text).toContain('walpost_connector_state{connector="a",state="RUNNING"} 1');
  expect(text).toContain('walpost_connector_state{connector="b",state="MISSING"} 1');
  expect(text).toContain('walpost_connector_task_state{connector="a",task="0",state="FAILED"} 1');
  expect(text).toContain('walpost_group_members{group="g"} 0');
  expect(text).toContain('walpost_group_lag_messages{group="g",topic="t",partition="0"} 2');
  expect(text).toMatch(/walpost_group_lag_seconds\{group="g",topic="t",partition="0"\} 60/);
  expect(text).toContain('walpost_group_lag_seconds{group="g",topic="t",partition="1"} 0');
  // Nothing can be read there since then: it does not look as if there were no lag.
  expect(text).toMatch(/walpost_group_lag_seconds\{group="g",topic="t",partition="3"\} 45/);
  // Unread, and nobody knows since when: no number.
  expect(text).not.toContain('walpost_group_lag_seconds{group="g",topic="t",partition="2"}');
});

test('what became of events is counted, with the time from outbox to effect', async () => {
  const place = { topic: 'order-events', partition: 4 };
  const received = order('k', 1);
  if ('error' in received.result) throw received.result.error;
  const handled = [{ ...received.result.event, writtenAt: 1_000 }];
  const deadLetter = { received, error: undefined, attempts: 0 };
  const deadLetters = [
    { ...deadLetter, state: 'dead' as const },
    { ...deadLetter, state: 'parked' as const },
  ];
  countResult(place, { handled, duplicates: 3, deadLetters, anomalies: [] }, 1_040);
  countBatch(place, 6, 20);
  countRetry(place, 'pause');
  countWritten('walpost.orders.OrderCreated', 2);
  const text = await renderMetrics();
  const labels = 'topic="order-events",partition="4"';
  for (const [outcome, count] of Object.entries({ handled: 1, duplicate: 3, dead: 1, parked: 1 }))
    expect(text).toContain(`walpost_consumer_events_total{${labels},outcome="${outcome}"} ${count}`);
  expect(text).toContain('walpost_event_delivery_duration_seconds_sum{topic="order-events"} 0.04');
  expect(text).toContain(`walpost_consumer_batch_size_sum{${labels}} 6`);
  expect(text).toContain(`walpost_consumer_handling_duration_seconds_sum{${labels}} 0.02`);
  expect(text).toContain(`walpost_consumer_retries_total{${labels},reason="pause"} 1`);
  expect(text).toContain('walpost_outbox_events_total{type="OrderCreated"} 2');
});

test('a group of which not all is known has no lag, and Kafka counts as away', async () => {
  const partition = { topic: 't', partition: 0, committed: '3', end: null, lag: null, expired: 0 };
  const unknown = { oldestUnread: null, openTransaction: null, memberId: null, host: null };
  const partitions = [{ ...partition, ...unknown, problem: 't/1 has no leader' }];
  const stop = exposeGroups(async () => [
    { group: 'h', type: 'classic', state: 'Stable', members: 1, partitions },
  ]);
  const text = await renderMetrics();
  stop();
  expect(text).toContain('walpost_source_up{source="Kafka"} 0');
  expect(text).not.toMatch(/^walpost_group_\w+\{group="h"/m);
});

test('a clock that is behind the writer’s makes no negative time', async () => {
  const received = order('k', 1);
  if ('error' in received.result) throw received.result.error;
  const handled = [{ ...received.result.event, writtenAt: 2_000 }];
  countResult(
    { topic: 'early-events', partition: 0 },
    { handled, duplicates: 0, deadLetters: [], anomalies: [] },
    1_000,
  );
  expect(await renderMetrics()).toContain(
    'walpost_event_delivery_duration_seconds_sum{topic="early-events"} 0\n',
  );
});
