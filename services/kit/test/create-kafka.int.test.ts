import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import kafkajs from 'kafkajs';
import { setting } from '../../../tests/support.js';
import { parseHostPort } from '../host-port.js';
import { createKafka } from '../kafka/create-kafka.js';
import { kafkaAccess } from '../kafka-access.js';

const env = process.env as Record<string, string>;
let door: Server;
let port: number;

beforeAll(async () => {
  const broker = parseHostPort(setting(env, 'KAFKA_BROKERS'));
  if ('problem' in broker) throw new Error(broker.problem);
  // A way to the broker by IPv6; what it says of itself is its own name.
  door = createServer((socket) => {
    const onward = connect(broker.port, '127.0.0.1');
    socket.pipe(onward).pipe(socket);
    for (const end of [socket, onward]) end.on('error', () => end.destroy());
  });
  await new Promise<void>((resolve) => door.listen(0, '::1', resolve));
  ({ port } = door.address() as AddressInfo);
});
afterAll(() => {
  door?.close();
});

test.each(['[::1]', '[0:0:0:0:0:0:0:1]'])('a broker is reached by its IPv6 address %s', async (host) => {
  const access = kafkaAccess({ KAFKA_BROKERS: `${host}:${port}`, KAFKA_SECURITY_PROTOCOL: 'PLAINTEXT' });
  const admin = createKafka(access, { logLevel: kafkajs.logLevel.NOTHING, retry: { retries: 1 } }).admin();
  try {
    await admin.connect();
    expect((await admin.describeCluster()).brokers).toHaveLength(1);
  } finally {
    await admin.disconnect();
  }
});
