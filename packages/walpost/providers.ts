import type { System } from '@walpost/kit/config';

/** Who runs a Postgres server, and what only its administrator can do there for a system. */
export interface Provider {
  readonly title: string;
  /** Where it says so itself. */
  readonly source: string;
  /** A role that every server of it has, and no other one. */
  readonly mark?: string;
  /** Where parameters are set. */
  readonly where: string;
  /** The parameter that makes `wal_level` logical. */
  readonly logical: string;
  /** What else there is to know of parameters. */
  readonly parameters: readonly string[];
  /** Who the statements are for. */
  readonly as: string;
  /** Lets the role `cdc` replicate. */
  readonly replication: readonly string[];
  readonly notes: readonly string[];
}

const KEEP =
  'max_slot_wal_keep_size: a limit, e.g. 10GB, so that a connector that is gone does not fill the disk';
const SYNC =
  'for a standby that goes on where the primary was: sync_replication_slots = on and hot_standby_feedback = on there, synchronized_standby_slots here';

/** As their documentation says it; which of it was run, and where, is in docs/servers.md. */
export const providers = {
  postgres: {
    title: 'a Postgres server of your own',
    source: 'https://www.postgresql.org/docs/current/logicaldecoding-explanation.html',
    where: 'postgresql.conf, or ALTER SYSTEM; then restart the server',
    logical: 'wal_level = logical',
    parameters: [KEEP, SYNC],
    as: 'a superuser',
    replication: ['ALTER ROLE cdc REPLICATION;'],
    notes: [
      'pg_hba.conf must let the service, observer, dlq_operator and cdc in; logical replication comes by the name of the database',
    ],
  },
  rds: {
    title: 'Amazon RDS for PostgreSQL',
    source:
      'https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/PostgreSQL.Concepts.General.FeatureSupport.LogicalReplication.html',
    mark: 'rds_superuser',
    where: 'a parameter group of your own, on the instance; then reboot it',
    logical: 'rds.logical_replication = 1',
    parameters: [KEEP, `${SYNC}; rds.logical_slot_sync_dbname names a database of it`],
    as: 'the master user, a member of rds_superuser',
    replication: ['GRANT rds_replication TO cdc;'],
    notes: ['no role of RDS has the attribute REPLICATION: membership in rds_replication stands for it'],
  },
  aurora: {
    title: 'Amazon Aurora PostgreSQL',
    source:
      'https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/AuroraPostgreSQL.Replication.Logical.Configure.html',
    mark: 'rds_superuser',
    where: 'a parameter group of your own, on the cluster; then reboot the writer',
    logical: 'rds.logical_replication = 1',
    parameters: ['max_slot_wal_keep_size does nothing here: the log is in the storage of the cluster'],
    as: 'the master user, a member of rds_superuser',
    replication: ['GRANT rds_replication TO cdc;'],
    notes: ['the address of the cluster, not of a reader: slots are on the writer'],
  },
  cloudsql: {
    title: 'Google Cloud SQL for PostgreSQL',
    source: 'https://cloud.google.com/sql/docs/postgres/replication/configure-logical-replication',
    mark: 'cloudsqlsuperuser',
    where: 'the flags of the instance (gcloud sql instances patch NAME --database-flags=…); it restarts',
    logical: 'cloudsql.logical_decoding = on',
    parameters: [KEEP],
    as: 'a member of cloudsqlsuperuser that has REPLICATION, as ALTER USER postgres WITH REPLICATION gives it',
    replication: ['ALTER USER cdc WITH REPLICATION;'],
    notes: [],
  },
  azure: {
    title: 'Azure Database for PostgreSQL, flexible server',
    source: 'https://learn.microsoft.com/azure/postgresql/configure-maintain/concepts-logical',
    mark: 'azure_pg_admin',
    where: 'the parameters of the server (az postgres flexible-server parameter set …); then restart it',
    logical: 'wal_level = logical',
    parameters: [
      'max_slot_wal_keep_size is -1 and read-only: watch the disk',
      'with high availability, 4 slots and 2 senders more',
      `${SYNC} (from version 17; before, the extension pg_failover_slots in azure.extensions and shared_preload_libraries)`,
    ],
    as: 'the administrator, a member of azure_pg_admin, after ALTER ROLE <itself> WITH REPLICATION',
    replication: ['ALTER ROLE cdc WITH REPLICATION;'],
    notes: [],
  },
  neon: {
    title: 'Neon',
    source: 'https://neon.com/docs/guides/logical-replication-neon',
    mark: 'neon_superuser',
    where: 'the settings of the project: logical replication, enable; all computes restart',
    logical: 'wal_level = logical',
    parameters: ['the rest is set by Neon'],
    as: 'a role made by the console, which has REPLICATION',
    replication: ['ALTER ROLE cdc WITH REPLICATION;'],
    notes: [
      'the direct host, not the one with -pooler; take channel_binding out of the address',
      'a slot that nobody reads for about 40 hours is removed, and so is every slot when a branch is restored: the connector makes a new one, and sends what the outbox still has',
      'a compute with a connector does not scale to zero',
    ],
  },
} as const satisfies Record<string, Provider>;

export type ProviderName = keyof typeof providers;
export const providerNames = Object.keys(providers) as ProviderName[];

/** The services of a system that need a slot, with the role that reads it. */
function publishersOf({ services }: System) {
  return services.flatMap(({ publishes, database, name }) =>
    publishes ? [{ name, database, publishes }] : [],
  );
}

/**
 * What an administrator does once, as a file of SQL: the statements can be given to psql, and the steps in other places are
 * comments.
 */
export function administratorSteps(system: System, name: ProviderName): string {
  const provider: Provider = providers[name];
  const publishers = publishersOf(system);
  const count = publishers.length;
  const apps = system.services.map(({ database }) => `${database}_app`);
  const lines = [
    `What only an administrator can do on ${provider.title}, for ${system.name}.`,
    provider.source,
    '',
    `1. Parameters: ${provider.where}.`,
    `   ${provider.logical}`,
    `   max_replication_slots and max_wal_senders: room for ${count} more (${publishers.map(({ publishes }) => publishes.slot).join(', ')})`,
    ...provider.parameters.map((each) => `   ${each}`),
    '2. A role that migrates, POSTGRES_USER and POSTGRES_PASSWORD: LOGIN CREATEROLE CREATEDB, and no more.',
    '   CREATE ROLE walpost_master LOGIN CREATEROLE CREATEDB;  \\password walpost_master',
    `3. npx walpost migrate: it makes the databases, and the roles ${[...apps, 'observer', 'dlq_operator', 'cdc'].join(', ')}.`,
    `4. Unless the migration could do it, which says so, as ${provider.as}:`,
  ];
  const notes = [
    'npx walpost doctor says what of it is missing.',
    ...provider.notes.map((note) => `Note: ${note}.`),
  ];
  const comment = (line: string) => `-- ${line}`.trimEnd();
  return [...lines.map(comment), ...provider.replication, ...notes.map(comment)].join('\n');
}

/** The provider of a server that has these of the marks, and Aurora's function or not. */
export function providerWith(marks: readonly string[], isAurora: boolean): ProviderName {
  if (isAurora) return 'aurora';
  const found = providerNames.find((name) => {
    const { mark }: Provider = providers[name];
    return mark !== undefined && marks.includes(mark);
  });
  return found ?? 'postgres';
}

/** The roles by which a provider is known. */
export const marks = [...new Set(Object.values<Provider>(providers).flatMap(({ mark }) => mark ?? []))];
