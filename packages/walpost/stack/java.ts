import { join } from 'node:path';
import type { Launch } from './child.ts';
import type { Site } from './component.ts';
import type { Components } from './fetch-components.ts';
import type { Jdk } from './find-jdk.ts';
import { baseEnvironment, type Settings } from './settings.ts';

/** The Java of a site; a part that needs it is never made without it. */
export function javaOf(site: Site): { jdk: Jdk; components: Components } {
  if (!site.java) throw new Error('This stack was made without Java');
  return site.java;
}

/** In any other locale, that of a service or a container for one, Java finds no file with é in its path. */
export const javaLocale = { LC_ALL: 'C.UTF-8' };

/** The start of a Java program: only the named variables reach it. */
export function launchJava(
  site: Site,
  args: readonly string[],
  env: Settings = {},
  cwd = site.dataDir,
): Launch {
  const { jdk } = javaOf(site);
  return {
    command: `${jdk.home}/bin/java`,
    args,
    env: { ...baseEnvironment(site.settings), ...javaLocale, ...env },
    cwd,
  };
}

/**
 * Keeps loaded classes in an archive: the JVM writes it at an orderly end when there is none that fits, and starts
 * about a third faster with it. It lies beside the jars, so that every clone and test run has it.
 */
export function sharedClasses(site: Site, name: string): string[] {
  return ['-XX:+AutoCreateSharedArchive', ...readSharedClasses(site, name)];
}

/** Uses that archive if it is there, and leaves it as it is. */
export function readSharedClasses(site: Site, name: string): string[] {
  const { components, jdk } = javaOf(site);
  return [`-XX:SharedArchiveFile=${join(components.archives, `${name}-java${jdk.version}.jsa`)}`];
}

/** The first compiler only: the second takes a core for minutes, and gains nothing at what one machine carries. */
export const quickCompiler = '-XX:TieredStopAtLevel=1';
