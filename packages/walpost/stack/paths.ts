import { homedir } from 'node:os';
import { join } from 'node:path';
import { packageDir } from '../program-of.ts';
import type { Environment } from './settings.ts';
import { StackError } from './stack-error.ts';

/** The root of this clone, for what is done in a clone only. */
export const root = join(packageDir, '../..');

/** The folder where the pom and the property files are. */
export const nativeDir = join(packageDir, 'stack');

/** Where downloads are kept: outside the clone, so that a second clone starts fast. */
export function cacheRoot(env: Environment, platform = process.platform): string {
  if (env['XDG_CACHE_HOME']) return join(env['XDG_CACHE_HOME'], 'walpost');
  const home = env['HOME'] || homedir();
  return join(home, platform === 'darwin' ? 'Library/Caches' : '.cache', 'walpost');
}

/** Folders in which the stack lives. */
export interface Places {
  clone: string;
  data: string;
  /** Of the Java components, where they are needed. */
  cache?: string;
}

/** What a program cannot take in the path of a folder; everything else is passed on as it is. */
const unusable: { place: keyof Places; letters: RegExp; because: string; remedy: string }[] = [
  {
    place: 'clone',
    letters: /["$`\\]/,
    because: 'initdb hands the path of its binaries, which are in the clone, to a shell',
    remedy: 'move the clone',
  },
  {
    place: 'data',
    letters: /,/,
    because: 'Kafka takes it for the end of a path in log.dirs',
    remedy: 'set WALPOST_DATA to another folder, or move the clone',
  },
  {
    place: 'cache',
    letters: /[:,*]/,
    because: 'Java and Kafka take it for the end of a path, or for any name',
    remedy: 'set XDG_CACHE_HOME to another folder',
  },
];

/** Throws a StackError when a folder has a path with which a part of the stack could not be started. */
export function requireUsablePaths(places: Places): void {
  for (const { place, letters, because, remedy } of unusable) {
    const path = places[place] ?? '';
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    const control = /[\u0000-\u001f\u007f]/.exec(path)?.[0];
    if (control !== undefined) {
      throw new StackError(
        `The ${place} folder ${JSON.stringify(path)} has a control character in its path: ${remedy}.`,
      );
    }
    const letter = letters.exec(path)?.[0];
    if (letter !== undefined) {
      throw new StackError(
        `The ${place} folder ${path} has a ${letter} in its path, and ${because}: ${remedy}.`,
      );
    }
  }
}
