import { randomUUID } from 'node:crypto';
import { kitMigrations, migrateDatabase } from '@walpost/kit/service/migrate';
import type { Admin } from 'kafkajs';
import { brokersOf, openSql, setting } from './clients.ts';
import { type Member, type MemberConfig, startMember } from './member.ts';
import type { Stage } from './stage.ts';

export interface Effect {
  key: string;
  version: number;
  partition: number;
  member: string;
}

/** A consumer group with a database of its own, as every service has one. */
export interface Service {
  groupId: string;
  /** What one more member of the group is to know. */
  config(name: string): MemberConfig;
  /** Starts a member in this process and waits until it is in the group; closed with the scenario. */
  start(name: string): Promise<Member>;
  /** The effects so far, in the order in which they happened. */
  effects(): Promise<Effect[]>;
  /** The same, when the group has acknowledged everything that is on the topic. */
  allEffects(): Promise<Effect[]>;
  /** How many events its members were given once more, and dropped. */
  repeated(): number;
}

/** Makes a service's database: the kit's inbox, and a table for the effects. */
export async function openService(
  stage: Stage,
  admin: Admin,
  groupId: string,
  topic: string,
): Promise<Service> {
  const database = groupId.replaceAll('-', '_');
  const host = setting(stage, 'POSTGRES_HOST');
  const port = Number(setting(stage, 'POSTGRES_PORT'));
  const appPassword = randomUUID();
  const adminPassword = setting(stage, 'POSTGRES_PASSWORD');
  await migrateDatabase({
    host,
    port,
    adminPassword,
    database,
    appPassword,
    migrations: [kitMigrations.inbox],
  });
  const sql = openSql(stage, database);
  await sql`create table effects (
    seq bigint generated always as identity, key text, version integer, partition integer, member text)`;
  await sql`grant insert on effects to ${sql(`${database}_app`)}`;
  let repeated = 0;

  const config = (name: string): MemberConfig => ({
    name,
    groupId,
    topic,
    brokers: brokersOf(stage),
    registryUrl: setting(stage, 'SCHEMA_REGISTRY_URL'),
    database: { host, port, database, user: `${database}_app`, password: appPassword, applicationName: name },
  });
  const effects = () => sql<Effect[]>`select key, version, partition, member from effects order by seq`;
  return {
    groupId,
    config,
    async start(name) {
      const member = startMember(config(name), ({ duplicates }) => {
        repeated += duplicates;
      });
      stage.defer(member.close);
      await stage.eventually(`${name} in the group ${groupId}`, async () => {
        member.ready();
        return true;
      });
      return member;
    },
    effects,
    async allEffects() {
      await stage.eventually(`group ${groupId} at the end of ${topic}`, async () =>
        (await lag(admin, groupId, topic)) === 0 ? true : undefined,
      );
      return effects();
    },
    repeated: () => repeated,
  };
}

/** How many records a group has not acknowledged yet, over all partitions. */
async function lag(admin: Admin, groupId: string, topic: string): Promise<number> {
  const ends = await admin.fetchTopicOffsets(topic);
  const [committed] = await admin.fetchOffsets({ groupId, topics: [topic] });
  const done = new Map(committed?.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
  // Kafka says -1 where a group has not acknowledged anything.
  return ends.reduce(
    (sum, { partition, high }) => sum + Number(high) - Math.max(0, done.get(partition) ?? 0),
    0,
  );
}

/** How many different events the effects belong to. */
export function distinct(rows: readonly Effect[]): number {
  return new Set(rows.map(({ key, version }) => `${key}/${version}`)).size;
}

/** Keys whose versions are not 1, 2, 3 … in the order in which the effects happened. */
export function outOfOrder(rows: readonly Effect[]): string[] {
  const last = new Map<string, number>();
  const wrong = new Set<string>();
  for (const { key, version } of rows) {
    if (version !== (last.get(key) ?? 0) + 1) wrong.add(key);
    last.set(key, version);
  }
  return [...wrong];
}
