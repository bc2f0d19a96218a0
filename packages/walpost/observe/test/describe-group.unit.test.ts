import { expect, test } from '@jest/globals';
import type { KafkaRequests } from '@walpost/kit/kafka/requests';
import kafkajs from 'kafkajs';
import { describeGroup } from '../describe-group.ts';
import type { KafkaClients } from '../topic-reader.ts';

const error = (message: string, type: string) =>
  new kafkajs.KafkaJSProtocolError(Object.assign(new Error(message), { type, code: 0, retriable: true }));

/** Kafka with a group that has committed 4 in both partitions of two topics; one of them cannot be asked for its ends. */
function clientsWith(refusal: Error): KafkaClients {
  const topics = ['ailing', 'well'];
  const admin = {
    listTopics: async () => topics,
    fetchOffsets: async () =>
      topics.map((topic) => ({ topic, partitions: [0, 1].map((partition) => ({ partition, offset: '4' })) })),
    fetchTopicOffsets: async (topic: string) => {
      if (topic === 'ailing') throw refusal;
      return [0, 1].map((partition) => ({ partition, low: '0', high: '6' }));
    },
  };
  const requests: Partial<KafkaRequests> = {
    listGroups: async () => [],
    highWatermarks: async (_topic, partitions) => new Map(partitions.map((each) => [each, 6n])),
  };
  return { admin, requests } as unknown as KafkaClients;
}

test('a group is described though a partition that it reads has no leader', async () => {
  const clients = clientsWith(error('ailing/1 has no leader', 'LEADER_NOT_AVAILABLE'));
  const { partitions } = await describeGroup(clients, 'group', async () => new Map());
  const ailing = { topic: 'ailing', committed: '4', end: null, lag: null, problem: 'ailing/1 has no leader' };
  const well = { topic: 'well', committed: '4', end: '6', lag: 2, problem: null };
  expect(partitions).toMatchObject([
    { ...ailing, partition: 0 },
    { ...ailing, partition: 1 },
    { ...well, partition: 0 },
    { ...well, partition: 1 },
  ]);
});

test('no other error is taken for the group’s state', async () => {
  const clients = clientsWith(error('not allowed', 'TOPIC_AUTHORIZATION_FAILED'));
  await expect(describeGroup(clients, 'group', async () => new Map())).rejects.toThrow('not allowed');
});
