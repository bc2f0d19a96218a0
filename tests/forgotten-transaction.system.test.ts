import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { kafkaOf } from 'walpost/testing/support';
import { type TestStack, testStack } from 'walpost/testing/test-stack';

const OFFSETS = 'walpost-connect-offsets';

let stack: TestStack;
beforeAll(async () => {
  stack = await testStack(['kafka']);
});
afterAll(() => stack?.close());

// What KAFKA-20734 does by chance when a broker dies: the partition has an open transaction that no coordinator knows.
test('a transaction that the broker has forgotten does not hold up those who read Connect’s offsets', async () => {
  const kafka = kafkaOf(stack.env);
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: OFFSETS, numPartitions: 1 }], waitForLeaders: false });
  const producer = kafka.producer({ transactionalId: 'forgotten', idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  const transaction = await producer.transaction();
  await transaction.send({ topic: OFFSETS, messages: [{ value: 'never decided' }] });
  await producer.disconnect();
  await admin.disconnect();

  await stack.stop('kafka');
  const data = join(stack.dataDir, 'kafka');
  const states = readdirSync(data).filter((name) => name.startsWith('__transaction_state-'));
  expect(states.length).toBeGreaterThan(0);
  for (const name of states) rmSync(join(data, name), { recursive: true });
  await stack.start('kafka');

  const plain = kafka.producer();
  await plain.connect();
  await plain.send({ topic: OFFSETS, messages: [{ value: 'after it' }] });
  await plain.disconnect();
  const reader = kafka.consumer({ groupId: 'reader', maxWaitTimeInMs: 100 });
  await reader.connect();
  await reader.subscribe({ topic: OFFSETS, fromBeginning: true });
  const read: string[] = [];
  await new Promise<void>((resolve, reject) => {
    const eachMessage = async ({ message }: { message: { value: Buffer | null } }) => {
      read.push(String(message.value));
      resolve();
    };
    reader.run({ eachMessage }).catch(reject);
  });
  await reader.disconnect();
  expect(read).toEqual(['after it']);
});
