import { randomUUID } from 'node:crypto';
import { kitMigrations, migrateDatabase } from '@walpost/kit/migrate';
import { brokersOf, openSql, setting } from './clients.js';
import { type Member, type MemberConfig, startMember } from './member.js';
import type { Stage } from './stage.js';

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
  /** All effects, in the order in which they happened. */
  effects(): Promise<Effect[]>;
  /** How many events its members were given once more, and dropped. */
  repeated(): number;
}

/** Makes a service's database: the kit's inbox, and a table for the effects. */
export async function openService(stage: Stage, groupId: string, topic: string): Promise<Service> {
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
    effects: () => sql<Effect[]>`select key, version, partition, member from effects order by seq`,
    repeated: () => repeated,
  };
}

/** Waits until a service has written that many effects (or more), and gives them. */
export async function effectsOf(stage: Stage, service: Service, count: number): Promise<Effect[]> {
  return stage.eventually(`${count} effects of ${service.groupId}`, async () => {
    const rows = await service.effects();
    return rows.length >= count ? rows : undefined;
  });
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
