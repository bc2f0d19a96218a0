// A member of a group that dies by kill -9 right after a database commit, before the offset's commit.
import { startConsumer } from '@walpost/kit/consumer';
import { openDatabase } from '@walpost/kit/database';
import { createLogger } from '@walpost/kit/logger';
import { createDecoder } from '@walpost/schemas/codec';
import { createRegistry } from '@walpost/schemas/registry';

const { brokers, registryUrl, database, groupId, topic } = JSON.parse(process.argv[2]);
const logger = createLogger('crashing-consumer', 'info');

startConsumer({
  kafka: { brokers },
  groupId,
  topics: [topic],
  decoder: createDecoder({ registry: createRegistry({ url: registryUrl }) }),
  db: openDatabase(database).db,
  handlers: {
    OrderCreated: async (tx, events) => {
      for (const { key, version } of events) {
        await tx.execute(`insert into effects (key, version) values ('${key}', ${version})`);
      }
    },
  },
  ignores: [],
  logger,
  onHandled: () => process.kill(process.pid, 'SIGKILL'),
  onFatal: (error) => {
    throw error;
  },
});
