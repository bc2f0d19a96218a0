import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { runAsPostgres } from 'walpost/stack/run-as-postgres';
import { commandLine } from 'walpost/stack/workspace-programs';
import { type Environment, setting } from 'walpost/testing/support';

const root = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

/** Servers that are no part of a stack, as a production system has them. */
export interface OwnPostgres {
  /** Where they have their data. */
  readonly folder: string;
  /**
   * Runs a script by bash, in the project's folder and as the user whom the servers belong to. The first command that
   * fails ends it.
   * @returns what it printed
   */
  shell(script: string, env: Environment): Promise<string>;
  /** Ends the servers whose data is in these folders, where they run, and removes the folder. */
  close(bin: string, ...data: string[]): Promise<void>;
}

/** Makes the folder. Postgres refuses to run as root, who therefore has the scripts run as another user. */
export async function ownPostgres(): Promise<OwnPostgres> {
  const folder = await mkdtemp(join(tmpdir(), 'walpost-postgres-'));
  const { prefix, own } = await runAsPostgres();
  await own(folder);
  // npx writes into a home, which that user may not have.
  const npx = `npx() { shift; "${process.execPath}" "${commandLine}" "$@"; }`;
  const shell = async (script: string, env: Environment) => {
    const [command = '', ...args] = [
      ...prefix,
      ...['bash', '--norc', '-euo', 'pipefail', '-c', `${npx}\n${script}`],
    ];
    try {
      return (await run(command, args, { cwd: root, env: { ...env } })).stdout;
    } catch (error) {
      const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
      throw new Error(`${script}\n${stdout}${stderr}`, { cause: error });
    }
  };
  return {
    folder,
    shell,
    async close(bin, ...data) {
      const stop =
        'for data in $DATA; do "$BIN/pg_ctl" status -D "$data" && "$BIN/pg_ctl" stop -D "$data" -m immediate || true; done';
      await shell(stop, { PATH: process.env['PATH'] ?? '', BIN: bin, DATA: data.join(' ') });
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A stack's environment, with what leads Postgres' own programs to its server, and more. */
export function leadingTo(env: Environment, more: Environment): Environment {
  return {
    ...env,
    PGHOST: '127.0.0.1',
    PGPORT: setting(env, 'POSTGRES_PORT'),
    PGUSER: 'postgres',
    PGPASSWORD: setting(env, 'POSTGRES_PASSWORD'),
    ...more,
  };
}

/**
 * Makes a server in `$PGDATA`, with the settings that every way of running Postgres shares but those that 17 does not
 * know, and starts it. `$BIN` has its programs.
 */
export const MAKE_SERVER = `
"$BIN/initdb" -D "$PGDATA" -U "$PGUSER" --pwfile=<(echo "$PGPASSWORD") --auth=scram-sha-256 \\
  --encoding=UTF8 --locale-provider=builtin --builtin-locale=C.UTF-8 --locale=C
grep -v idle_replication_slot_timeout packages/walpost/stack/postgresql.conf >> "$PGDATA/postgresql.conf"
echo "port = $PGPORT
unix_socket_directories = '$PGDATA'" >> "$PGDATA/postgresql.conf"
"$BIN/pg_ctl" start -D "$PGDATA" -l "$PGDATA/server.log"`;

/** The blocks of `sh` in a section of a document, as they stand there. @throws Error when there are none */
export async function scriptsOf(document: string, title: string): Promise<string[]> {
  const text = await readFile(join(root, document), 'utf8');
  const level = title.indexOf(' ');
  const [, after = ''] = text.split(`\n${title}\n`);
  const [section = ''] = after.split(new RegExp(`^#{1,${level}} `, 'm'));
  const scripts = [...section.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, script = '']) => script);
  if (scripts.length === 0) throw new Error(`${document} has no commands under ${title}`);
  return scripts;
}
