import { ConfigError } from '../errors.ts';
import type { Sql } from '../postgres/open-driver.ts';
import { scramVerifier } from '../postgres/scram-verifier.ts';
import { roleSettings } from '../postgres/session.ts';

/** A service's database, and the passwords of the roles that log in there. */
export interface RolePlan {
  database: string;
  /** Password of `<database>_app`, the role that the service logs in with. */
  appPassword: string;
  /** Password of `cdc`, when Debezium reads this database. */
  cdcPassword?: string;
  /** Password of `observer`, who may look; without one it cannot log in. */
  observerPassword?: string;
  /** Password of `dlq_operator`, which may close dead letters; without one it cannot log in. */
  dlqOperatorPassword?: string;
  /** Gives the roles what their sessions would set, because a pooler is between. */
  pooler?: boolean;
}

/**
 * Makes the roles of a service's database, and the database, as whoever is logged in: a superuser, or a role with
 * CREATEROLE and CREATEDB, who may give others no more than it has itself.
 *
 * @returns what it could not do, a sentence for each
 * @throws {ConfigError} when the role that is to own the database is not its to use
 */
export async function makeRolesAndDatabase(admin: Sql, plan: RolePlan): Promise<string[]> {
  const { database, cdcPassword } = plan;
  const owner = `${database}_owner`;
  const app = `${database}_app`;
  // Roles are shared by the whole server, and services migrate side by side.
  await admin`select pg_advisory_lock(hashtext('walpost.roles'))`;
  await makeRole(admin, owner, 'NOLOGIN');
  await joinRole(admin, owner);
  await renameRole(admin, 'letters', 'dlq_operator');
  const undone = [
    ...(await makeRole(admin, app, 'LOGIN', plan.appPassword)),
    ...(cdcPassword ? await makeRole(admin, 'cdc', 'LOGIN', cdcPassword) : []),
    ...(cdcPassword ? await letReplicate(admin, 'cdc') : []),
    // Made without a password too: the migrations grant to them.
    ...(await makeRole(
      admin,
      'observer',
      'LOGIN',
      plan.observerPassword,
      'default_transaction_read_only = on',
    )),
    ...(await makeRole(admin, 'dlq_operator', 'LOGIN', plan.dlqOperatorPassword)),
  ];
  const [found] = await admin`select from pg_database where datname = ${database}`;
  // Not of template1, which cannot be copied while somebody is logged in there.
  if (!found) await admin`create database ${admin(database)} owner ${admin(owner)} template template0`;
  await admin`revoke connect, temporary on database ${admin(database)} from public`;
  await admin`grant connect on database ${admin(database)} to ${admin(app)}, observer, dlq_operator`;
  if (cdcPassword) await admin`grant connect on database ${admin(database)} to cdc`;
  if (plan.pooler) {
    const roles = [app, 'observer', 'dlq_operator', ...(cdcPassword ? ['cdc'] : [])];
    for (const role of roles) await keepSettings(admin, role);
  }
  return undone;
}

/** Gives a role its new name. It keeps its grants, and a password of SCRAM; one of MD5 is lost, and has to be set again. */
async function renameRole(admin: Sql, former: string, role: string): Promise<void> {
  const found = await admin`select rolname from pg_roles where rolname in (${former}, ${role})`;
  if (found.length !== 1 || found[0]?.['rolname'] !== former) return;
  await admin.unsafe(`alter role "${former}" rename to "${role}"`);
}

/**
 * Makes a role, and gives it its password and setting.
 *
 * @returns that they are not what they should be, of a role which somebody else made
 */
async function makeRole(
  admin: Sql,
  role: string,
  options: string,
  password?: string,
  setting?: string,
): Promise<string[]> {
  const [found] = await admin<{ mine: boolean; me: string }[]>`
    select pg_has_role(oid, 'member with admin option') as mine, current_user as me
    from pg_roles where rolname = ${role}`;
  if (!found) await admin.unsafe(`create role "${role}" ${options}`);
  if (found && !found.mine) {
    if (!password) return [];
    return [
      `the role ${role} is not ${found.me}'s to change, and keeps the password that it has; who made it can say: GRANT "${role}" TO "${found.me}" WITH ADMIN OPTION`,
    ];
  }
  if (setting) await admin.unsafe(`alter role "${role}" set ${setting}`);
  if (!password) return [];
  // Beyond ASCII only the server knows which letters are the same.
  const secret = /^[ -~]*$/.test(password) ? scramVerifier(password) : password.replaceAll("'", "''");
  // It may have been changed in the configuration since.
  await admin.unsafe(`alter role "${role}" password '${secret}'`);
  return [];
}

/** Gives a role the settings of its sessions; of one that somebody else made, the pooler's check says that it lacks them. */
async function keepSettings(admin: Sql, role: string): Promise<void> {
  const [mine] = await admin`
    select from pg_roles where rolname = ${role} and pg_has_role(oid, 'member with admin option')`;
  if (!mine) return;
  for (const [name, value] of Object.entries(roleSettings({ readOnly: role === 'observer' })))
    await admin.unsafe(`alter role "${role}" set ${name} = '${value}'`);
}

/**
 * Lets who is logged in act as a role. A superuser may, and nobody else: who makes a role may administer it, and since
 * Postgres 16 has to give itself the rest.
 */
async function joinRole(admin: Sql, role: string): Promise<void> {
  const [rights] = await admin<{ acts: boolean; administers: boolean; me: string }[]>`
    select pg_has_role(oid, 'set') and pg_has_role(oid, 'usage') as acts,
      pg_has_role(oid, 'member with admin option') as administers, current_user as me
    from pg_roles where rolname = ${role}`;
  if (!rights || rights.acts) return;
  if (!rights.administers)
    throw new ConfigError(
      `the role ${role} is there, and ${rights.me} may not act as it; who made it can say: GRANT "${role}" TO "${rights.me}" WITH INHERIT TRUE, SET TRUE`,
    );
  await admin.unsafe(`grant "${role}" to current_user with inherit true, set true`);
}

/**
 * Lets a role replicate: by its attribute, which only a superuser or a role with the same attribute can give, or by
 * membership in `rds_replication`, where Amazon's servers have that.
 *
 * @returns that it may not, when who is logged in can do neither
 */
async function letReplicate(admin: Sql, role: string): Promise<string[]> {
  const [rights] = await admin<{ done: boolean; attribute: boolean; membership: boolean }[]>`
    select it.rolsuper or it.rolreplication or coalesce(pg_has_role(it.oid, rds.oid, 'member'), false) as done,
      (me.rolsuper or me.rolreplication) and pg_has_role(it.oid, 'member with admin option') as attribute,
      coalesce(pg_has_role(rds.oid, 'member with admin option'), false) as membership
    from pg_roles me, pg_roles it left join pg_roles rds on rds.rolname = 'rds_replication'
    where me.rolname = current_user and it.rolname = ${role}`;
  if (!rights || rights.done) return [];
  if (rights.membership) await admin.unsafe(`grant rds_replication to "${role}"`);
  else if (rights.attribute) await admin.unsafe(`alter role "${role}" replication`);
  else
    return [
      `the role ${role} may not replicate, and an administrator has to let it: walpost roles --for postgres, rds, aurora, cloudsql, azure or neon prints how`,
    ];
  return [];
}
