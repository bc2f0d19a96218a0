import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { Jdk } from './find-jdk.ts';
import { javaLocale } from './java.ts';
import { cacheRoot, nativeDir } from './paths.ts';
import { isAlive } from './process-table.ts';
import type { Environment } from './settings.ts';
import { codeOf, StackError } from './stack-error.ts';

/** Folders with the unpacked components. */
export interface Components {
  kafka: string;
  debezium: string;
  apicurio: string;
  /** For what the JVM keeps about the jars (class data sharing). */
  archives: string;
}

/**
 * The folder with Kafka, Debezium and Apicurio for this pom, filled by Maven when it is not there.
 * It is made beside its place and renamed when complete: an interrupted fetch leaves no half cache, and of two
 * fetches at once one wins. Throws a StackError when Maven is missing or fails.
 */
export async function fetchComponents(
  env: Environment,
  jdk: Jdk,
  say: (line: string) => void,
  signal: AbortSignal | undefined,
  pom = join(nativeDir, 'pom.xml'),
): Promise<Components> {
  const cache = cacheRoot(env);
  const target = await folderFor(env, pom);
  if (!(await exists(target))) {
    say(`Fetching Kafka, Debezium and the schema registry with Maven, once, into ${target} (230 MB)`);
    await mkdir(cache, { recursive: true }).catch((error: Error) => {
      throw new StackError(
        `Cannot make the cache folder: ${error.message}. Set XDG_CACHE_HOME to one you can write.`,
      );
    });
    await removeAbandoned(cache);
    const unfinished = await mkdtemp(join(cache, `.fetching-${process.pid}-`));
    try {
      await runMaven(pom, unfinished, env, jdk, signal);
      await mkdir(join(unfinished, 'archives'));
      await rename(unfinished, target).catch(async (error: unknown) => {
        if (!(await exists(target))) throw error;
      });
    } finally {
      await rm(unfinished, { recursive: true, force: true });
    }
  }
  return {
    kafka: join(target, 'kafka'),
    debezium: join(target, 'debezium'),
    apicurio: join(target, 'apicurio'),
    archives: join(target, 'archives'),
  };
}

/** Whether `fetchComponents` would have nothing to fetch. */
export async function isFetched(env: Environment): Promise<boolean> {
  return exists(await folderFor(env, join(nativeDir, 'pom.xml')));
}

async function folderFor(env: Environment, pom: string): Promise<string> {
  const hash = createHash('sha256')
    .update(await readFile(pom))
    .digest('hex')
    .slice(0, 16);
  return join(cacheRoot(env), hash);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function removeAbandoned(cache: string): Promise<void> {
  for (const name of await readdir(cache)) {
    const pid = /^\.fetching-(\d+)-/.exec(name)?.[1];
    if (pid && !isAlive(Number(pid))) await rm(join(cache, name), { recursive: true, force: true });
  }
}

async function runMaven(
  pom: string,
  target: string,
  env: Environment,
  jdk: Jdk,
  signal: AbortSignal | undefined,
): Promise<void> {
  // Whoever has a Java that Maven finds keeps it, with its trust store; only without one we lend ours.
  const hasJava = Boolean(env['JAVA_HOME']) || (await onPath('java', env));
  const child = spawn(
    'mvn',
    [
      '--batch-mode',
      '--quiet',
      '-Dstyle.color=never',
      '--file',
      pom,
      `-Dwalpost.target=${target}`,
      'process-resources',
    ],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(signal ? { signal } : {}),
      env: { ...env, ...javaLocale, ...(hasJava ? {} : { JAVA_HOME: jdk.home }) },
    },
  );
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', (error) => {
      reject(
        codeOf(error) === 'ENOENT'
          ? new StackError(
              'Maven (mvn) is not on the path; it fetches Kafka, Debezium and the registry. Install 3.8 or newer, ' +
                'e.g. `apt install maven` or `brew install maven`.',
            )
          : error,
      );
    });
    child.once('close', resolve);
  });
  if (code !== 0) {
    const tail = output.trim().split('\n').slice(-15).join('\n');
    throw new StackError(`Maven could not fetch the components (exit ${code}). Its last lines:\n${tail}`);
  }
}

async function onPath(program: string, env: Environment): Promise<boolean> {
  const folders = (env['PATH'] ?? '').split(delimiter).filter(Boolean);
  const found = await Promise.all(folders.map((folder) => exists(join(folder, program))));
  return found.includes(true);
}
