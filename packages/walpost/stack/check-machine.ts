import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { System } from '@walpost/kit/config';
import type { Project } from '../project.ts';
import { isFetched } from './fetch-components.ts';
import { findJdk } from './find-jdk.ts';
import { isFree } from './free-ports.ts';
import { readLock } from './lock.ts';
import { requiredSecrets } from './secrets.ts';
import { completeSettings, type Environment, portsOf, withoutSecrets } from './settings.ts';
import { messageOf, StackError } from './stack-error.ts';

/** One finding about this machine, as `walpost doctor` prints it. */
export interface MachineCheck {
  readonly what: string;
  readonly state: 'ok' | 'warn' | 'fail';
  readonly text: string;
  readonly help: readonly string[];
}

/** Free space, bytes, below which Postgres and Kafka are about to stop; and below which somebody should look. */
const NO_SPACE = 1e9;
const LITTLE_SPACE = 5e9;

/** Looks at what the system needs of this machine, to run natively or by docker compose. Changes nothing. */
export async function checkMachine({ folder, system }: Project, env: Environment): Promise<MachineCheck[]> {
  const own = withoutSecrets(system, env);
  const [jdk, components, docker] = await Promise.all([
    attempt(async () => {
      const { version, home } = await findJdk(env);
      return `${version} in ${home}`;
    }),
    attempt(() => findComponents(own)),
    attempt(() => findDocker(own)),
  ]);
  const isNative = jdk.found && components.found;
  return [
    { what: 'Node', state: 'ok', text: process.versions.node, help: [] },
    diagnose('JDK', jdk, docker.found, 'npm start'),
    diagnose('Maven', components, docker.found, 'npm start'),
    diagnose('Docker Compose', docker, isNative, 'docker compose'),
    await checkPorts(folder, system, env),
    await checkSpace(resolve(folder, env['WALPOST_DATA'] || '.data')),
  ];
}

interface Attempt {
  readonly found: boolean;
  readonly text: string;
}

/** What is missing is no failure where the other way to run the system is open. */
function diagnose(what: string, { found, text }: Attempt, otherWay: boolean, neededBy: string): MachineCheck {
  if (found) return { what, state: 'ok', text, help: [] };
  return otherWay
    ? { what, state: 'ok', text: `not here; only ${neededBy} needs it`, help: [] }
    : { what, state: 'fail', text, help: [] };
}

async function attempt(find: () => Promise<string>): Promise<Attempt> {
  try {
    return { found: true, text: await find() };
  } catch (error) {
    return { found: false, text: messageOf(error).split('\n', 1)[0] ?? '' };
  }
}

async function findComponents(env: Environment): Promise<string> {
  if (await isFetched(env)) return 'not needed: Kafka, Debezium and the registry are fetched';
  try {
    const [first = 'found'] = (await run('mvn', ['--version'], env)).split('\n');
    return first;
  } catch (error) {
    throw new StackError(
      'Maven (mvn) is not on the path; install 3.8 or newer, e.g. `apt install maven` or `brew install maven`.',
      { cause: error },
    );
  }
}

async function findDocker(env: Environment): Promise<string> {
  try {
    return (await run('docker', ['compose', 'version', '--short'], env)) || 'found';
  } catch (error) {
    throw new StackError('not here, and neither is all that npm start needs: have one of the two.', {
      cause: error,
    });
  }
}

async function run(program: string, args: readonly string[], env: Environment): Promise<string> {
  const { stdout } = await promisify(execFile)(program, [...args], {
    env,
    timeout: 10_000,
  });
  return stdout.trim();
}

/** Whether `npm start` runs here, or could be started as far as ports go. */
async function checkPorts(folder: string, system: System, env: Environment): Promise<MachineCheck> {
  const what = 'ports';
  try {
    // Passwords are of no interest here, and need not be set.
    const none = Object.fromEntries(requiredSecrets(system).map((name) => [name, '-']));
    const settings = completeSettings(system, { ...none, ...env });
    const uses = portsOf({ system, settings });
    const lock = readLock(join(resolve(folder, env['WALPOST_DATA'] || '.data'), 'lock'));
    if (lock.kind === 'held') {
      return { what, state: 'ok', text: `npm start runs here (process ${lock.owner.pid})`, help: [] };
    }
    const free = await Promise.all(uses.map(({ port }) => isFree(port)));
    const taken = uses.filter((_use, at) => !free[at]);
    if (taken.length === 0) return { what, state: 'ok', text: 'all free: nothing runs here', help: [] };
    const ports = taken.map(({ port }) => port).join(', ');
    const text = `taken by docker compose or another program, not by an npm start in this folder: ${ports}`;
    return { what, state: 'ok', text, help: [] };
  } catch (error) {
    if (!(error instanceof StackError)) throw error;
    return { what, state: 'warn', text: `${error.message} Only npm start minds.`, help: [] };
  }
}

async function checkSpace(folder: string): Promise<MachineCheck> {
  const what = 'disk';
  const existing = existsSync(folder) ? folder : dirname(folder);
  const { bavail, bsize } = await statfs(existing);
  const free = bavail * bsize;
  const text = `${(free / 1e9).toFixed(1)} GB free at ${existing}`;
  if (free >= LITTLE_SPACE) return { what, state: 'ok', text, help: [] };
  const help = ['npx walpost outbox status', `du -sh ${existing}/*`];
  return { what, state: free < NO_SPACE ? 'fail' : 'warn', text, help };
}
