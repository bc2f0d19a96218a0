import { expect, jest, test } from '@jest/globals';
import type { Admin } from 'kafkajs';
import { applyTopics } from '../apply-topics.ts';

const spec = {
  name: 'order-events',
  partitions: 6,
  config: { 'cleanup.policy': 'delete', 'retention.ms': '7' },
};

/** The calls of kafkajs' admin that are used, on one topic with these partitions and settings. */
function adminOf(partitions: number, settings: [name: string, value: string, source: number][]) {
  const admin = {
    listTopics: async () => (partitions > 0 ? [spec.name] : []),
    createTopics: jest.fn(async (_: unknown) => true),
    createPartitions: jest.fn(async (_: unknown) => true),
    alterConfigs: jest.fn(async (_: unknown) => undefined),
    fetchTopicMetadata: async () => ({ topics: [{ partitions: Array(partitions).fill({}) }] }),
    describeConfigs: async () => ({
      resources: [
        {
          configEntries: settings.map(([configName, configValue, configSource]) => ({
            configName,
            configValue,
            configSource,
          })),
        },
      ],
    }),
  };
  return { admin, asAdmin: admin as unknown as Admin };
}

const right: [string, string, number][] = [
  ['cleanup.policy', 'delete', 1],
  ['retention.ms', '7', 1],
];
const options = { replicationFactor: 3, growPartitions: false };

test('a missing topic is created as declared', async () => {
  const { admin, asAdmin } = adminOf(0, []);
  const [outcome] = await applyTopics(asAdmin, [spec], options);
  expect(outcome?.changes).toEqual(['created with 6 partitions']);
  expect(admin.createTopics.mock.calls[0]?.[0]).toMatchObject({
    topics: [{ topic: 'order-events', numPartitions: 6, replicationFactor: 3 }],
  });
});

test('a topic that is as declared is left alone', async () => {
  const { admin, asAdmin } = adminOf(6, right);
  expect(await applyTopics(asAdmin, [spec], options)).toEqual([
    { topic: 'order-events', changes: [], warnings: [] },
  ]);
  expect(admin.alterConfigs).not.toHaveBeenCalled();
});

test('a wrong setting is corrected, and what else was set on the topic stays', async () => {
  const { admin, asAdmin } = adminOf(6, [
    ['cleanup.policy', 'compact', 1],
    ['retention.ms', '7', 5],
    ['min.insync.replicas', '2', 1],
    ['segment.bytes', '9', 5],
  ]);
  const [outcome] = await applyTopics(asAdmin, [spec], options);
  expect(outcome?.changes).toEqual(['cleanup.policy compact → delete']);
  expect(admin.alterConfigs.mock.calls[0]?.[0]).toMatchObject({
    resources: [
      {
        configEntries: [
          { name: 'min.insync.replicas', value: '2' },
          { name: 'cleanup.policy', value: 'delete' },
          { name: 'retention.ms', value: '7' },
        ],
      },
    ],
  });
});

test('partitions grow only when told; there is a warning either way', async () => {
  const { admin, asAdmin } = adminOf(3, right);
  const [reported] = await applyTopics(asAdmin, [spec], options);
  expect(reported?.warnings[0]).toContain('has 3 partitions, 6 are declared; --grow-partitions');
  expect(admin.createPartitions).not.toHaveBeenCalled();

  const [grown] = await applyTopics(asAdmin, [spec], { ...options, growPartitions: true });
  expect(grown?.changes).toEqual(['partitions 3 → 6']);
  expect(grown?.warnings).toHaveLength(1);
});

test('a refusal of Kafka names the topic and the variable', async () => {
  const { admin, asAdmin } = adminOf(0, []);
  const refusal = new Error('Replication-factor is invalid');
  admin.createTopics.mockRejectedValue(Object.assign(new Error('many'), { errors: [refusal] }));
  await expect(applyTopics(asAdmin, [spec], options)).rejects.toThrow(
    'topic order-events could not be created: Replication-factor is invalid (KAFKA_REPLICATION_FACTOR is 3)',
  );
});
