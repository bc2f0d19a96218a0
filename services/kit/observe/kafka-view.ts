import kafkajs, { type Admin } from 'kafkajs';
import type { KafkaAccess } from '../kafka-access.js';
import { cachedPeek } from './cached-peek.js';
import { describeGroup, type GroupProgress, type Peek } from './describe-group.js';
import { peekUnread } from './peek-unread.js';
import { readTopics, type TopicView } from './read-topics.js';
import { openReader, type TopicReader } from './topic-reader.js';

/** Kafka as an observer sees it; every method rejects with the client's error while Kafka is away. */
export interface KafkaView {
  groups(names: readonly string[]): Promise<GroupProgress[]>;
  topics(): Promise<TopicView[]>;
  /** For whoever looks for records. */
  access(): Promise<{ admin: Admin; reader: TopicReader }>;
  close(): Promise<void>;
}

interface Connection {
  admin: Admin;
  reader: TopicReader;
  peeks: Map<string, Peek>;
}

/** How long the oldest unread records may take to read, s: the next look comes soon. */
const PEEK_SECONDS = 1.5;

/** Connects when it is first asked, and again after an error. */
export function createKafkaView(clientId: string, access: KafkaAccess, topics: readonly string[]): KafkaView {
  const kafka = new kafkajs.Kafka({
    clientId,
    ...access,
    connectionTimeout: 2_000,
    requestTimeout: 5_000,
    retry: { retries: 1, initialRetryTime: 100, maxRetryTime: 500 },
    logLevel: kafkajs.logLevel.NOTHING,
  });
  let current: Promise<Connection> | undefined;

  async function open(): Promise<Connection> {
    const admin = kafka.admin();
    try {
      await admin.connect();
      const reader = await openReader({ kafka, admin }, topics);
      return { admin, reader, peeks: new Map() };
    } catch (error) {
      await admin.disconnect();
      throw error;
    }
  }

  async function close(connection: Promise<Connection> | undefined): Promise<void> {
    try {
      const opened = await connection;
      await opened?.reader.close();
      await opened?.admin.disconnect();
    } catch {
      // It could not be opened, or Kafka is away: whoever asked was told, and there is nothing left to release.
    }
  }

  async function use<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    current ??= open();
    const mine = current;
    try {
      return await work(await mine);
    } catch (error) {
      if (current === mine) {
        current = undefined;
        void close(mine);
      }
      throw error;
    }
  }

  return {
    groups: (names) =>
      use(({ admin, reader, peeks }) =>
        Promise.all(
          names.map((name) => {
            const peek = peeks.get(name) ?? cachedPeek((places) => peekUnread(reader, places, PEEK_SECONDS));
            peeks.set(name, peek);
            return describeGroup(admin, name, peek);
          }),
        ),
      ),
    topics: () => use(({ admin }) => readTopics(admin, topics)),
    access: () => use(async ({ admin, reader }) => ({ admin, reader })),
    close: () => close(current),
  };
}
