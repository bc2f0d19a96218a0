import { execFile } from 'node:child_process';
import { access, constants, readdir, readFile, realpath } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Environment } from './settings.ts';
import { StackError } from './stack-error.ts';

/** Apicurio Registry needs 21; Kafka and Debezium would do with 17. */
const oldest = 21;

export interface Jdk {
  home: string;
  version: number;
}

/** Where systems and tools put JDKs: a folder of homes, and the way from an entry to the home. */
function usualPlaces(home: string): { folder: string; pattern: RegExp; inside: string }[] {
  return [
    { folder: '/usr/lib/jvm', pattern: /./, inside: '' },
    { folder: '/usr/java', pattern: /./, inside: '' },
    { folder: '/opt', pattern: /jdk|java/i, inside: '' },
    { folder: '/Library/Java/JavaVirtualMachines', pattern: /./, inside: 'Contents/Home' },
    { folder: join(home, '.sdkman/candidates/java'), pattern: /./, inside: '' },
    { folder: join(home, '.jdks'), pattern: /./, inside: '' },
  ];
}

/**
 * The first Java of version 21 or newer: JAVA_HOME, then the path, then the newest in the usual places.
 * An older one does not end the search. Throws a StackError that names what was found.
 */
export async function findJdk(env: Environment, places = usualPlaces(env['HOME'] ?? '/')): Promise<Jdk> {
  const named = await versions([
    ...(env['JAVA_HOME'] ? [env['JAVA_HOME']] : []),
    ...(await homesOnPath(env)),
  ]);
  const first = named.find((jdk) => jdk.version >= oldest);
  if (first) return first;
  const installed = (await versions(await homesInPlaces(places))).sort((a, b) => b.version - a.version);
  const newest = installed.find((jdk) => jdk.version >= oldest);
  if (newest) return newest;
  const seen = [...named, ...installed].map((jdk) => `${jdk.version} in ${jdk.home}`);
  throw new StackError(
    `No JDK ${oldest} or newer (found: ${seen.join(', ') || 'none'}). Install one, ` +
      'e.g. `apt install openjdk-21-jdk-headless`, `brew install openjdk` or from adoptium.net, or set JAVA_HOME to one.',
  );
}

async function homesOnPath(env: Environment): Promise<string[]> {
  const found: string[] = [];
  for (const folder of (env['PATH'] ?? '').split(delimiter).filter(Boolean)) {
    const java = await realpath(join(folder, 'java')).catch(() => undefined);
    if (java) found.push(dirname(dirname(java)));
  }
  return found;
}

async function homesInPlaces(places: ReturnType<typeof usualPlaces>): Promise<string[]> {
  const lists = places.map(async ({ folder, pattern, inside }) => {
    const names = await readdir(folder).catch(() => []);
    return names.filter((name) => pattern.test(name)).map((name) => join(folder, name, inside));
  });
  return (await Promise.all(lists)).flat();
}

async function versions(homes: string[]): Promise<Jdk[]> {
  const unique = new Map<string, Promise<number | undefined>>();
  for (const home of homes) {
    const real = await realpath(home).catch(() => undefined);
    if (real && !unique.has(real)) unique.set(real, versionOf(real));
  }
  const found: Jdk[] = [];
  for (const [home, pending] of unique) {
    const version = await pending;
    if (version !== undefined) found.push({ home, version });
  }
  return found;
}

/** The major version of the Java in a home, from its `release` file or by asking it; undefined if it has none. */
async function versionOf(home: string): Promise<number | undefined> {
  const java = join(home, 'bin/java');
  try {
    await access(java, constants.X_OK);
  } catch {
    return undefined;
  }
  const release = await readFile(join(home, 'release'), 'utf8').catch(() => '');
  const line = /^JAVA_VERSION="([^"]+)"/m.exec(release)?.[1];
  if (line) return majorOf(line);
  const asked = await promisify(execFile)(java, ['-version'], { timeout: 10_000 }).catch(() => undefined);
  const answer = /version "([^"]+)"/.exec(`${asked?.stderr}${asked?.stdout}`)?.[1];
  return answer ? majorOf(answer) : undefined;
}

/** 21.0.2 is 21; 1.8.0_402 is 8. */
function majorOf(version: string): number {
  return Number(/^(?:1\.)?(\d+)/.exec(version)?.[1] ?? 0);
}
