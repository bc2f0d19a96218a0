import { createHook } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { setting } from 'walpost/testing/support';
import { createKafka } from '../create-kafka.ts';

const WATCHED_MS = 2_000;

// Without quietKafkajs about 800 a second.
test('an idle member of a group sets a few timers a second, not one each millisecond', async () => {
  const topic = `test-${randomUUID()}`;
  const brokers = [setting(process.env as Record<string, string>, 'KAFKA_BROKERS')];
  const kafka = createKafka({ brokers }, { clientId: topic });
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic }], waitForLeaders: false });
  await admin.disconnect();
  const consumer = kafka.consumer({ groupId: topic, maxWaitTimeInMs: 1_000 });
  const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve));
  await consumer.connect();
  await consumer.subscribe({ topic });
  await consumer.run({ eachBatch: async () => undefined });
  await joined;

  let timers = 0;
  const hook = createHook({
    init(_id, type) {
      if (type === 'Timeout') timers += 1;
    },
  }).enable();
  await delay(WATCHED_MS);
  hook.disable();
  await consumer.disconnect();
  expect(timers).toBeGreaterThan(0);
  expect(timers).toBeLessThan(100);
});
