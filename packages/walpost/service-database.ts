import type { Service } from '@walpost/kit/config';
import { databaseFault, errorCode } from '@walpost/kit/errors';
import { type Db, openDatabase } from '@walpost/kit/postgres/database';
import { rootReason } from './check.ts';
import { CliError } from './cli-error.ts';
import type { Config } from './config.ts';
import { serverIn, shownServer } from './observe/open-observed.ts';
import { untilAvailable } from './wait.ts';

/**
 * Works in a service's database as the service's own role, and closes it.
 * @param seconds how long the server may take to appear
 * @throws CliError naming the variable or the database when it cannot be used
 */
export async function withDatabase<T>(
  { system, servers, passwords }: Config,
  name: string,
  seconds: number,
  work: (db: Db) => Promise<T>,
): Promise<T> {
  const service = system.service(name);
  const { database, passwordVariable } = service;
  const password = passwords[name];
  if (password === undefined) {
    throw new CliError(`${name}: ${passwordVariable} is not set; it is the password of ${database}_app`);
  }
  const server = serverIn(servers, name);
  const user = `${database}_app`;
  const { db, ping, close } = openDatabase({
    ...server,
    database,
    user,
    password,
    applicationName: 'walpost-cli',
    connections: 1,
  });
  try {
    await untilAvailable(ping, { seconds, retryable: isAway });
    return await work(db);
  } catch (error) {
    if (databaseFault(error) === undefined) throw error;
    throw new CliError(`${name}: ${explain(error, service, shownServer(server))}`, {
      cause: error,
    });
  } finally {
    await close();
  }
}

/** Whether waiting can help: a wrong password or a missing table does not go away by itself. */
function isAway(error: unknown): boolean {
  return databaseFault(error) === 'unavailable' && !/^(28|3D|42)/.test(errorCode(error));
}

function explain(error: unknown, { database, passwordVariable, group }: Service, server: string): string {
  switch (errorCode(error)) {
    case '28P01':
    case '28000':
      return `${server} refuses the role ${database}_app; is ${passwordVariable} right?`;
    case '3D000':
    case '42P01':
      return `database ${database} at ${server} is not set up yet; ${group} does that when it starts`;
    default:
      return `database ${database} at ${server}: ${rootReason(error)}`;
  }
}
