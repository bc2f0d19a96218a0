import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import kafkajs, { type Admin } from 'kafkajs';
import { openReader } from 'walpost/observe/topic-reader';
import { createLogger } from '../../telemetry/logger.ts';
import { type ConsumerOptions, startConsumer } from '../consumer.ts';

const METADATA = 3;
const API_VERSIONS = 18;

let server: Server;
let brokers: string[];
/** The last byte of the first request for topics: whether a broker may make those that it does not have. */
let mayCreate: Promise<number>;

/** A broker that knows no request but Metadata, up to version 6, and goes away when it is asked for it. */
beforeEach(async () => {
  server = createServer();
  mayCreate = new Promise((resolve) => {
    server.on('connection', (socket) => {
      socket.on('error', () => undefined);
      socket.on('data', (request) => {
        if (request.readInt16BE(4) === METADATA) resolve(request.readUInt8(request.length - 1));
        if (request.readInt16BE(4) !== API_VERSIONS) return socket.destroy();
        const answer = Buffer.alloc(28);
        answer.writeInt32BE(answer.length - 4, 0);
        request.copy(answer, 4, 8, 12); // which request it answers
        answer.writeInt32BE(1, 10); // one kind of request: its number, the first and the last version
        for (const [at, value] of [METADATA, 0, 6].entries()) answer.writeInt16BE(value, 14 + 2 * at);
        return socket.write(answer);
      });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  brokers = [`127.0.0.1:${(server.address() as AddressInfo).port}`];
});
afterEach(() => new Promise((resolve) => server.close(resolve)));

test.each<[string, () => Promise<() => Promise<void>>]>([
  [
    'a consumer',
    async () => {
      const needed = { kafka: { brokers }, groupId: 'group', topics: ['missing'], on: {} };
      const consumer = startConsumer({
        ...needed,
        logger: createLogger('test', 'silent'),
      } as unknown as ConsumerOptions);
      return () => consumer.close();
    },
  ],
  [
    'a reader',
    async () => {
      const retry = { retries: 0, initialRetryTime: 1 };
      const kafka = new kafkajs.Kafka({ brokers, retry, logLevel: kafkajs.logLevel.NOTHING });
      const admin = { deleteGroups: async () => [] } as unknown as Admin;
      const reader = openReader({ kafka, admin }, ['missing']);
      return () => expect(reader).rejects.toThrow();
    },
  ],
])('%s has no broker make a topic that is missing', async (_who, start) => {
  const end = await start();
  try {
    expect(await mayCreate).toBe(0);
  } finally {
    await end();
  }
});
