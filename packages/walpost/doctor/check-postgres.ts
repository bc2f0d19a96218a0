import { connect } from 'node:net';
import { errorCode } from '@walpost/kit/errors';
import { openDatabase } from '@walpost/kit/postgres/database';
import type { PostgresServer } from '@walpost/kit/postgres/server';
import { sql } from 'drizzle-orm';
import { type Check, fail, ok, rootReason, warn } from '../check.ts';
import type { Config } from '../config.ts';
import { START } from '../observe/diagnose-group.ts';
import type { Observed } from '../observe/observed-service.ts';
import { serverIn, shownServer } from '../observe/open-observed.ts';
import { readCounters } from '../observe/read-counters.ts';
import { readOpenDeadLetters } from '../observe/read-dead-letters.ts';
import { readOutbox } from '../observe/read-outbox.ts';
import { readHeads } from '../observe/read-system.ts';
import { observedServices } from '../observe/services.ts';
import { marks, type Provider, providers, providerWith } from '../providers.ts';
import { questionsOf } from '../trace/trace-key.ts';

/** A role that somebody logs in with, and where its password is. */
interface Login {
  readonly role: string;
  readonly variable: string;
  readonly password: string | undefined;
}

interface Refusal extends Login {
  /** SQLSTATE, or Node's code when there was no answer. */
  readonly code: string;
  readonly reason: string;
}

const UNKNOWN_DATABASE = '3D000';
const ANSWER_WITHIN = 4_000;
/** A key that nobody has. */
const NO_KEY = '00000000-0000-0000-0000-000000000000';

interface TriedDatabase {
  readonly database: string;
  readonly server: PostgresServer;
  readonly logins: Login[];
}

/** Each server and its settings, and for each database whether every role can log in and what Debezium needs is there. */
export async function checkPostgres(config: Config): Promise<Check[]> {
  const servers = Map.groupBy(databasesOf(config), ({ server }) => shownServer(server));
  const checks = await Promise.all([...servers].map(([address, all]) => checkOne(config, address, all)));
  if (checks.length === 1) return checks.flat();
  // The same is asked of each of them.
  const addresses = [...servers.keys()];
  return checks.flatMap((some, at) =>
    some.map((check) => ({ ...check, what: `${check.what} (${addresses[at]})` })),
  );
}

/** @param databases those of one server */
async function checkOne(config: Config, address: string, databases: TriedDatabase[]): Promise<Check[]> {
  const [{ server } = { server: config.postgres }] = databases;
  const silent = await tryPort(server);
  if (silent) return [away(address, silent)];
  if (databases.every(({ logins }) => logins.every(({ password }) => password === undefined))) {
    const text =
      'none is set here: they are read from .env in the folder where this runs, and npm start writes it';
    return [fail('passwords', text, START)];
  }
  const results = await Promise.all(
    databases.map(async (each) => ({ ...each, refusals: await tryAll(each) })),
  );
  // What has a code of its own, and no SQLSTATE, did not come from a Postgres server.
  const strange = results.flatMap(({ refusals }) => refusals).find(({ code }) => !/^[0-9A-Z]{5}$/.test(code));
  if (strange) return [away(address, strange.reason)];
  const observer = config.observerPassword;
  const [seen] = results.filter(
    ({ logins, refusals }) => logins.some(isObserver) && !refusals.some(isObserver),
  );
  const slots = config.system.services
    .filter(({ database }) => databases.some((each) => each.database === database))
    .flatMap(({ publishes }) => publishes?.slot ?? []);
  const settings =
    observer && seen
      ? await withObserver(seen, observer, (db) => checkServer(db, address, slots))
      : [ok('Postgres', `${address} answers; more is not known without the role observer`)];
  const observed =
    observer === undefined
      ? []
      : await Promise.all(
          observedServices(config.system).flatMap((service) => {
            const { database, publishes } = service;
            const open = results.find((each) => each.database === database && each.refusals.length === 0);
            if (!open) return [];
            return withObserver(open, observer, async (db) => {
              await askAll({ service, db });
              return publishes ? checkPublication(db, publishes.slot) : [];
            });
          }),
        );
  return [...settings, ...results.flatMap(diagnoseDatabase), ...observed.flat()];
}

function isObserver({ role }: Login): boolean {
  return role === 'observer';
}

function away(address: string, reason: string): Check {
  return fail('Postgres', `${address}: ${reason}; databases, roles and slots are not known`, START);
}

/** Why nobody listens at an address; undefined when somebody does. */
function tryPort({ host, port }: PostgresServer): Promise<string | undefined> {
  const socket = connect({ host, port, timeout: ANSWER_WITHIN });
  return new Promise<string | undefined>((resolve) => {
    socket.once('connect', () => resolve(undefined));
    socket.once('timeout', () => resolve(`no answer within ${ANSWER_WITHIN / 1000} s`));
    socket.once('error', (error) => resolve(rootReason(error)));
  }).finally(() => socket.destroy());
}

function databasesOf(config: Config): TriedDatabase[] {
  const { servers, passwords, observerPassword, dlqOperatorPassword, cdcPassword, registryPassword } = config;
  const ours = config.system.services.map(({ name, database, passwordVariable: variable, publishes }) => {
    return {
      database,
      server: serverIn(servers, name),
      logins: [
        { role: `${database}_app`, variable, password: passwords[name] },
        { role: 'observer', variable: 'OBSERVER_PASSWORD', password: observerPassword },
        { role: 'dlq_operator', variable: 'DLQ_OPERATOR_PASSWORD', password: dlqOperatorPassword },
        ...(publishes ? [{ role: 'cdc', variable: 'CDC_PASSWORD', password: cdcPassword }] : []),
      ],
    };
  });
  const registry = { role: 'registry', variable: 'REGISTRY_PASSWORD', password: registryPassword };
  // With a password it is in the server of all: without one, and with none of them there, nobody is to ask that.
  return [
    ...ours,
    ...(registryPassword ? [{ database: 'registry', server: config.postgres, logins: [registry] }] : []),
  ];
}

async function tryAll({ server, database, logins }: TriedDatabase): Promise<Refusal[]> {
  const tried = await Promise.all(logins.map((login) => tryLogin(server, database, login)));
  return tried.filter((refusal) => refusal !== undefined);
}

async function tryLogin(
  server: PostgresServer,
  database: string,
  login: Login,
): Promise<Refusal | undefined> {
  const { role: user, password } = login;
  if (password === undefined) return undefined;
  const options = {
    ...server,
    database,
    user,
    password,
    applicationName: 'walpost-doctor',
    connections: 1,
  };
  const { ping, close } = openDatabase(options);
  try {
    await ping();
    return undefined;
  } catch (error) {
    return { ...login, code: errorCode(error), reason: rootReason(error) };
  } finally {
    await close();
  }
}

/** @returns nothing of a database that this command has no password for: of it others are asked */
function diagnoseDatabase(result: { database: string; logins: Login[]; refusals: Refusal[] }): Check[] {
  const { database, logins, refusals } = result;
  const what = `database ${database}`;
  if (refusals.some(({ code }) => code === UNKNOWN_DATABASE)) {
    return [fail(what, 'it is not there; its migration makes it', START)];
  }
  if (refusals.length > 0) {
    const named = refusals.map(({ role, variable, reason }) => `${role} (${variable}): ${reason}`);
    return [fail(what, `${named.join('; ')}; migrations give the roles the passwords of .env`, START)];
  }
  const names = (has: boolean) =>
    logins.filter(({ password }) => (password !== undefined) === has).map(({ role }) => role);
  const tried = names(true);
  const untried = names(false);
  const rest = untried.length > 0 ? `not tried, for want of a password: ${untried.join(', ')}` : '';
  if (tried.length === 0) return [];
  return [ok(what, [`${tried.join(', ')} can log in`, rest].filter(Boolean).join('; '))];
}

type ObserverDb = ReturnType<typeof openDatabase>['db'];

async function withObserver(
  { server, database }: TriedDatabase,
  password: string,
  look: (db: ObserverDb) => Promise<Check[]>,
): Promise<Check[]> {
  const options = { ...server, database, user: 'observer', password, applicationName: 'walpost-doctor' };
  const { db, close } = openDatabase({ ...options, readOnly: true, connections: 1 });
  try {
    return await look(db);
  } catch (error) {
    return [fail(`database ${database}`, rootReason(error), START)];
  } finally {
    await close();
  }
}

/** @param slots those that connectors need here */
async function checkServer(db: ObserverDb, address: string, slots: readonly string[]): Promise<Check[]> {
  const [row] = await db.execute<{
    version: string;
    level: string;
    keep: string;
    used: number;
    most: number;
    slots: number;
    others: number;
    senders: number;
    marks: string;
    aurora: boolean;
    replicates: boolean | null;
  }>(sql`
    select current_setting('server_version') as version, current_setting('wal_level') as level,
      current_setting('max_slot_wal_keep_size') as keep, current_setting('max_connections')::int as most,
      (select count(*)::int from pg_stat_activity where backend_type = 'client backend') as used,
      current_setting('max_replication_slots')::int as slots, current_setting('max_wal_senders')::int as senders,
      (select count(*)::int from pg_replication_slots where slot_name::text <> all(${sql.param(slots)}::text[])) as others,
      (select string_agg(rolname, ',') from pg_roles where rolname = any(${sql.param(marks)}::text[])) as marks,
      exists (select from pg_proc where proname = 'aurora_version') as aurora,
      (select it.rolsuper or it.rolreplication or coalesce(pg_has_role(it.oid, rds.oid, 'member'), false)
        from pg_roles it left join pg_roles rds on rds.rolname = 'rds_replication' where it.rolname = 'cdc') as replicates`);
  if (!row) return [];
  const { version, level, keep, used, most } = row;
  const name = providerWith((row.marks ?? '').split(','), row.aurora);
  const { where }: Provider = providers[name];
  const steps = `npx walpost roles --for ${name}`;
  const lacking = (parameter: string, has: number, needs: number) =>
    has < needs ? [fail(parameter, `it is ${has}, and ${needs} are needed: set it in ${where}`, steps)] : [];
  return [
    used < most * 0.9
      ? ok('Postgres', `${address}, version ${version}, ${used} of ${most} connections`)
      : warn('Postgres', `${used} of ${most} connections are taken; max_connections in ${where}`),
    level === 'logical'
      ? ok('wal_level', level)
      : fail('wal_level', `it is ${level}, and Debezium needs logical: set it in ${where}`, steps),
    keep === '-1'
      ? warn('max_slot_wal_keep_size', `no limit: a connector that is gone fills the disk`, steps)
      : ok('max_slot_wal_keep_size', keep),
    ...lacking('max_replication_slots', row.slots, slots.length + row.others),
    ...lacking('max_wal_senders', row.senders, slots.length),
    // Not there yet, or not needed here, it is no question of rights.
    ...(row.replicates === false && slots.length > 0
      ? [fail('role cdc', 'it may not replicate, so no connector can read the log', steps)]
      : []),
  ];
}

/** Asks all that trace and console ask. @throws the driver's error: what they cannot ask, doctor must not call good */
export async function askAll(observed: Observed): Promise<void> {
  const { service, db } = observed;
  await Promise.all([
    ...Object.values(questionsOf(observed, NO_KEY)).map((ask) => ask()),
    readCounters(observed),
    readOpenDeadLetters(db, 1),
    ...(service.latest ? [readHeads(observed)] : []),
    ...(service.publishes ? [readOutbox(db, service.publishes.slot)] : []),
  ]);
}

async function checkPublication(db: ObserverDb, name: string): Promise<Check[]> {
  const what = `publication ${name}`;
  const [row] = await db.execute<{ inserts: boolean; root: boolean; tables: string }>(sql`
    select pubinsert as inserts, pubviaroot as root,
      (select string_agg(tablename, ', ') from pg_publication_tables where pubname = ${name}) as tables
    from pg_publication where pubname = ${name}`);
  if (!row) return [fail(what, 'it is not there; the migration makes it', START)];
  if (row.inserts && row.root && row.tables === 'outbox') return [ok(what, 'inserts of outbox, by its root')];
  const has = `it publishes ${row.tables ?? 'no table'}, inserts: ${row.inserts}, via root: ${row.root}`;
  return [fail(what, `${has}; the migration has outbox, inserts, via root`)];
}
