import { startConsumer } from '@walpost/kit/consumer/consumer';
import type { BatchResult } from '@walpost/kit/consumer/handle-batch';
import { createDecoder } from '@walpost/kit/contract/codec';
import { createRegistry } from '@walpost/kit/contract/registry';
import { type DatabaseOptions, openDatabase } from '@walpost/kit/postgres/database';
import { createLogger } from '@walpost/kit/telemetry/logger';
import { integer, pgTable, text } from 'drizzle-orm/pg-core';
import { contract } from '../../schemas/contract.generated.ts';

/** Who consumes what and where its database is; plain JSON, so that it can be given to another process. */
export interface MemberConfig {
  /** Written beside each effect. */
  name: string;
  groupId: string;
  topic: string;
  brokers: string[];
  registryUrl: string;
  database: DatabaseOptions;
}

export interface Member {
  /** Throws while it is not in its group. */
  ready(): void;
  close(): Promise<void>;
}

/** What a scenario's service does about an event: one row. */
export const effects = pgTable('effects', {
  key: text().notNull(),
  version: integer().notNull(),
  partition: integer().notNull(),
  member: text().notNull(),
});

/** Starts a consumer as the services have it: the kit's, with one row written for each event. */
export function startMember(config: MemberConfig, onHandled: (result: BatchResult) => void): Member {
  const { name, groupId, topic, brokers, registryUrl, database } = config;
  const { db, close } = openDatabase(database);
  const consumer = startConsumer({
    kafka: { brokers },
    groupId,
    topics: [topic],
    decoder: createDecoder({ contract, registry: createRegistry({ url: registryUrl }) }),
    db,
    on: {
      OrderCreated: async (tx, events) => {
        const rows = events.map(({ key, version, position: { partition } }) => ({
          key,
          version,
          partition,
          member: name,
        }));
        await tx.insert(effects).values(rows);
      },
    },
    logger: createLogger(name, 'silent'),
    onHandled,
  });
  let closed: Promise<void> | undefined;
  return {
    ready: consumer.ready,
    close() {
      closed ??= consumer.close().then(() => close());
      return closed;
    },
  };
}
