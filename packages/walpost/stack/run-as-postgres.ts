import { execFile } from 'node:child_process';
import { chmod, readFile, stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { codeOf, StackError } from './stack-error.ts';

const run = promisify(execFile);

/** As whom Postgres runs: it refuses to as root. */
export interface RunAs {
  /** What is before the program on the command line. */
  prefix: readonly string[];
  /** Gives a file or folder to that user. */
  own(path: string): Promise<void>;
  /** Lets that user run a program, which root may have installed for itself alone (umask 077). */
  mayRun(path: string): Promise<void>;
}

/**
 * As an ordinary user Postgres runs as that user; as root, as `postgres` or else `nobody`.
 * Throws a StackError when setpriv is missing.
 */
export async function runAsPostgres(uid = process.getuid?.()): Promise<RunAs> {
  if (uid !== 0) return { prefix: [], own: async () => undefined, mayRun: async () => undefined };
  const user = (await idOf('postgres')) ?? (await idOf('nobody'));
  if (!user) throw new StackError('As root, Postgres needs a user to run as: add one named postgres.');
  try {
    await run('setpriv', ['--version']);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    throw new StackError(
      'As root, Postgres is started through setpriv, which is missing. Install util-linux, or run as another user.',
    );
  }
  // It lets Postgres reach a clone in a folder that only root may enter, such as /root or a mktemp -d. initdb asks
  // access(), for which the kernel forgets the capabilities of a user other than root unless the bit is set.
  const reach = (await mayReadEverything())
    ? ['--inh-caps=+dac_read_search', '--ambient-caps=+dac_read_search', '--securebits=+no_setuid_fixup']
    : [];
  return {
    prefix: ['setpriv', `--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups', ...reach, '--'],
    own: async (path) => {
      if ((await stat(path)).uid !== user.uid) await run('chown', ['-R', `${user.uid}:${user.gid}`, path]);
    },
    mayRun: async (path) => {
      const { mode } = await stat(path);
      if ((mode & 0o005) !== 0o005) await chmod(path, mode | 0o055);
    },
  };
}

async function idOf(name: string): Promise<{ uid: number; gid: number } | undefined> {
  const line = (await readFile('/etc/passwd', 'utf8')).split('\n').find((one) => one.startsWith(`${name}:`));
  const [, , uid, gid] = line?.split(':') ?? [];
  return uid && gid ? { uid: Number(uid), gid: Number(gid) } : undefined;
}

/** Root inside a container may lack CAP_DAC_READ_SEARCH (bit 2), and then cannot hand it on. */
async function mayReadEverything(): Promise<boolean> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '');
  const effective = /^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1];
  return effective !== undefined && (BigInt(`0x${effective}`) & 4n) !== 0n;
}
