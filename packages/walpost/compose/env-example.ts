import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { System } from '@walpost/kit/config';
import { fill } from './fill.ts';
import { template, wordsOf } from './words.ts';

export const ENV_EXAMPLE = '.env.example';

/** Where the part begins that is a project's own. */
const OWN = '# What your services take besides; `walpost generate` leaves it as it is.\n';

/**
 * Every setting of a project, with its default and what it means: those of Walpost and of the services' names, and below
 * them what the file has of the project's own.
 *
 * @returns undefined when the file is there without that part: somebody else's
 */
export function envExample(system: System, folder: string, clone: boolean): string | undefined {
  const path = join(folder, ENV_EXAMPLE);
  const [, own] = existsSync(path) ? readFileSync(path, 'utf8').split(OWN) : ['', ''];
  if (own === undefined) return undefined;
  return fill(template('env.example'), { ...wordsOf(system), clone }) + OWN + own;
}
