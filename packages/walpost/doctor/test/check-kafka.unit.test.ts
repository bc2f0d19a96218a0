import { expect, test } from '@jest/globals';
import type { Admin } from 'kafkajs';
import system from '../../../../walpost.config.ts';
import { readConfig } from '../../config.ts';
import { checkKafka } from '../check-kafka.ts';

const { topics } = system;

/** The calls of kafkajs' admin that doctor makes, of topics as declared but for these settings and missing leaders. */
function adminWith(settings: Record<string, string>, leaderless: readonly string[] = []): Admin {
  const config = (name: string) => ({ ...topics.find((topic) => topic.name === name)?.config, ...settings });
  const partition = (place: string, partitionId: number) => ({
    partitionId,
    leader: leaderless.includes(place) ? -1 : 1,
    replicas: [1],
    isr: [1],
  });
  return {
    describeCluster: async () => ({ brokers: [{ nodeId: 1, host: 'localhost', port: 9092 }] }),
    listTopics: async () => topics.map(({ name }) => name),
    fetchTopicMetadata: async ({ topics: names }: { topics?: string[] } = {}) => {
      const found = topics
        .filter(({ name }) => names?.includes(name) ?? true)
        .map(({ name, partitions }) => ({
          name,
          partitions: Array.from({ length: partitions }, (_, at) => partition(`${name}/${at}`, at)),
        }));
      if (found.every(({ partitions }) => partitions.every(({ leader }) => leader < 0)))
        throw new Error('There is no leader for this topic-partition');
      return { topics: found };
    },
    describeConfigs: async ({ resources: [resource] }: { resources: { name: string }[] }) => ({
      resources: [
        {
          configEntries: Object.entries(config(resource?.name ?? '')).map(([configName, configValue]) => ({
            configName,
            configValue,
          })),
        },
      ],
    }),
  } as unknown as Admin;
}

const DAY = 86_400_000;

test.each<[string, NodeJS.ProcessEnv, Record<string, string>, string, string]>([
  ['as declared', {}, {}, 'ok', '6 partitions'],
  [
    'segments of 7 days',
    {},
    { 'segment.ms': String(7 * DAY) },
    'fail',
    'INBOX_RETENTION_DAYS (14) must be at least 15',
  ],
  ['a retention of 30 days', {}, { 'retention.ms': String(30 * DAY) }, 'fail', 'must be at least 32'],
  [
    'a longer one that the inbox outlives',
    { INBOX_RETENTION_DAYS: '20' },
    { 'retention.ms': String(9 * DAY) },
    'warn',
    'retention.ms is',
  ],
  ['records for good', {}, { 'retention.ms': '-1' }, 'fail', 'keeps its records for good'],
  ['a short inbox', { INBOX_RETENTION_DAYS: '8' }, {}, 'fail', 'INBOX_RETENTION_DAYS (8) must be at least 9'],
  [
    'a short inbox beside its outbox',
    { INBOX_RETENTION_DAYS: '14', OUTBOX_RETENTION_DAYS: '13' },
    {},
    'fail',
    'must be at least 15',
  ],
  ['a smaller largest record', {}, { 'max.message.bytes': '1000' }, 'warn', 'max.message.bytes is 1000'],
])('doctor compares a topic with the inboxes: %s', async (_what, env, settings, state, text) => {
  const checks = await checkKafka(adminWith(settings), readConfig({ folder: '.', system }, env));
  const found = checks.find(({ what }) => what === 'topic order-events');
  expect(found).toMatchObject({ state, text: expect.stringContaining(text) });
  // Nobody acts on heartbeats: how long they are kept is no matter of an inbox.
  const heartbeat = checks.find(({ what }) => what === 'topic __debezium-heartbeat.order-outbox');
  expect(heartbeat?.state).not.toBe('fail');
});

test('doctor says which topics have partitions without a leader', async () => {
  const heartbeat = '__debezium-heartbeat.order-outbox';
  const admin = adminWith({}, ['order-events/3', `${heartbeat}/0`]);
  const checks = await checkKafka(admin, readConfig({ folder: '.', system }, {}));
  expect(checks.filter(({ state }) => state === 'fail')).toMatchObject([
    { what: 'topic order-events', text: '1 of 6 partitions have no leader: brokers are away' },
    { what: `topic ${heartbeat}`, text: '1 of 1 partitions have no leader: brokers are away' },
  ]);
});
