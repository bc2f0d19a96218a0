import { createKafka } from '@walpost/kit/kafka/create-kafka';
import type { KafkaAccess } from '@walpost/kit/kafka/kafka-access';
import { kafkaProblem } from '@walpost/kit/kafka/kafka-problem';
import { type KafkaRequests, openRequests } from '@walpost/kit/kafka/requests';
import pTimeout from 'p-timeout';
import { cachedLagProbe } from './cached-lag-probe.ts';
import { describeGroup, type GroupProgress, type LagProbe } from './describe-group.ts';
import { probeLag } from './probe-lag.ts';
import { readTopics, type TopicView } from './read-topics.ts';
import { type KafkaClients, openReader, type TopicReader } from './topic-reader.ts';

/** Kafka as an observer sees it; every method rejects while Kafka is away, with why in one line. */
export interface KafkaView {
  groups(names: readonly string[]): Promise<GroupProgress[]>;
  topics(): Promise<TopicView[]>;
  /** For whoever looks for records. */
  access(): Promise<KafkaClients & { reader: TopicReader }>;
  close(): Promise<void>;
}

interface Connection extends KafkaClients {
  reader: TopicReader;
  probes: Map<string, LagProbe>;
}

/** How long the oldest unread records may take to read, s: the next look comes soon. */
const PROBE_SECONDS = 1.5;
/** How long a farewell may take, ms. */
const LEAVE_WITHIN = 3_000;

/** Connects when it is first asked, and again after an error. */
export function createKafkaView(clientId: string, access: KafkaAccess, topics: readonly string[]): KafkaView {
  const kafka = createKafka(access, {
    clientId,
    connectionTimeout: 2_000,
    requestTimeout: 5_000,
    retry: { retries: 1, initialRetryTime: 100, maxRetryTime: 500 },
  });
  let current: Promise<Connection> | undefined;

  async function open(): Promise<Connection> {
    const admin = kafka.admin();
    let requests: KafkaRequests | undefined;
    try {
      await admin.connect();
      requests = await openRequests(kafka);
      const reader = await openReader({ kafka, admin }, topics);
      return { kafka, admin, requests, reader, probes: new Map() };
    } catch (error) {
      await requests?.close();
      await admin.disconnect();
      throw new Error(kafkaProblem(error), { cause: error });
    }
  }

  async function release(connection: Promise<Connection> | undefined): Promise<void> {
    try {
      const opened = await connection;
      await opened?.reader.close();
      await opened?.requests.close();
      await opened?.admin.disconnect();
    } catch {
      // It could not be opened, or Kafka is away: whoever asked was told, and there is nothing left to release.
    }
  }

  /** Takes its leave of Kafka, but not of one that does not answer: a stop has no time for that. */
  const close = (connection: Promise<Connection> | undefined) =>
    pTimeout(release(connection), { milliseconds: LEAVE_WITHIN, message: false });

  async function use<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    current ??= open();
    const mine = current;
    try {
      return await work(await mine);
    } catch (error) {
      if (current === mine) {
        current = undefined;
        void release(mine);
      }
      throw error;
    }
  }

  return {
    groups: (names) =>
      use(({ reader, probes, ...clients }) => {
        const listed = clients.requests.listGroups();
        return Promise.all(
          names.map((name) => {
            const probe =
              probes.get(name) ?? cachedLagProbe((places) => probeLag(reader, places, PROBE_SECONDS));
            probes.set(name, probe);
            return describeGroup(clients, name, probe, listed);
          }),
        );
      }),
    topics: () => use(({ admin }) => readTopics(admin, topics)),
    access: () => use(async (connection) => connection),
    close: () => close(current),
  };
}
