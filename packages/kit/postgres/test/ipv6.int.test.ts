import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { afterAll, expect, test } from '@jest/globals';
import { setting } from 'walpost/testing/support';
import { openTestDatabase } from '../../../../tests/stack/database.ts';
import { createKafka } from '../../kafka/create-kafka.ts';
import { parseHostPort } from '../../kafka/host-port.ts';
import { kafkaAccess } from '../../kafka/kafka-access.ts';
import { migrateDatabase } from '../../service/migrate.ts';
import { openDatabase } from '../database.ts';

const env = process.env as Record<string, string>;
const proxies: Server[] = [];

/** A way to a server of this machine by IPv6. @returns its port */
async function doorTo(port: number): Promise<number> {
  const proxy = createServer((socket) => {
    const onward = connect(port, '127.0.0.1');
    socket.pipe(onward).pipe(socket);
    for (const end of [socket, onward]) end.on('error', () => end.destroy());
  });
  proxies.push(proxy);
  await new Promise<void>((resolve) => proxy.listen(0, '::1', resolve));
  return (proxy.address() as AddressInfo).port;
}
afterAll(() => {
  for (const proxy of proxies) proxy.close();
});

test.each(['[::1]', '[0:0:0:0:0:0:0:1]'])('a broker is reached by its IPv6 address %s', async (host) => {
  const broker = parseHostPort(setting(env, 'KAFKA_BROKERS'));
  if ('problem' in broker) throw new Error(broker.problem);
  const brokers = `${host}:${await doorTo(broker.port)}`;
  const access = kafkaAccess({ KAFKA_BROKERS: brokers, KAFKA_SECURITY_PROTOCOL: 'PLAINTEXT' });
  const admin = createKafka(access, { retry: { retries: 1 } }).admin();
  try {
    await admin.connect();
    expect((await admin.describeCluster()).brokers).toHaveLength(1);
  } finally {
    await admin.disconnect();
  }
});

test('Postgres is reached and migrated by its IPv6 address', async () => {
  const made = await openTestDatabase('notifications');
  const server = { host: '::1', port: await doorTo(Number(setting(env, 'POSTGRES_PORT'))) };
  const database = openDatabase({ ...made.options, ...server });
  try {
    await migrateDatabase({
      ...server,
      adminPassword: setting(env, 'POSTGRES_PASSWORD'),
      database: made.name,
      appPassword: made.options.password,
      migrations: [],
    });
    await database.ping();
  } finally {
    await database.close();
    await made.close();
  }
});
