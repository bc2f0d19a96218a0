import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Environment } from './settings.js';

/** The root of this clone; the same from the source (tests) and from dist (run time). */
export const root = findRoot(import.meta.dirname);

/** This package's folder, where the pom and the property files are. */
export const nativeDir = join(root, 'compose/native');

function findRoot(from: string): string {
  if (existsSync(join(from, 'compose/native/pom.xml'))) return from;
  const parent = dirname(from);
  if (parent === from) throw new Error(`No compose/native/pom.xml above ${import.meta.dirname}`);
  return findRoot(parent);
}

/** Where downloads are kept: outside the clone, so that a second clone starts fast. */
export function cacheRoot(env: Environment, platform = process.platform): string {
  if (env['XDG_CACHE_HOME']) return join(env['XDG_CACHE_HOME'], 'walpost');
  const home = env['HOME'] || homedir();
  return join(home, platform === 'darwin' ? 'Library/Caches' : '.cache', 'walpost');
}
