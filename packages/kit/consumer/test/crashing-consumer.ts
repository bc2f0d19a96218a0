// A member of a group that dies by kill -9 right after a database commit, before the offset's commit.
import { startConsumer } from '@walpost/kit/consumer/consumer';
import { createDecoder } from '@walpost/kit/contract/codec';
import { createRegistry } from '@walpost/kit/contract/registry';
import { openDatabase } from '@walpost/kit/postgres/database';
import { createLogger } from '@walpost/kit/telemetry/logger';
import { contract } from '../../../../schemas/contract.generated.ts';

const { brokers, registryUrl, database, groupId, topic } = JSON.parse(String(process.argv[2]));
const logger = createLogger('crashing-consumer', 'info');

startConsumer({
  kafka: { brokers },
  groupId,
  topics: [topic],
  decoder: createDecoder({ contract, registry: createRegistry({ url: registryUrl }) }),
  db: openDatabase(database).db,
  on: {
    OrderCreated: async (tx, events) => {
      for (const { key, version } of events) {
        await tx.execute(`insert into effects (key, version) values ('${key}', ${version})`);
      }
    },
  },
  logger,
  onHandled: () => process.kill(process.pid, 'SIGKILL'),
});
