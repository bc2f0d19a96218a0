import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { System } from '@walpost/kit/config';
import { CliError, UsageError } from './cli-error.ts';
import { requireFreshContract } from './generated-file.ts';

/** A project: its folder, and what its `walpost.config.ts` says. */
export interface Project {
  readonly folder: string;
  readonly system: System;
}

/** An image of a project may have its configuration bundled. */
const NAMES = ['walpost.config.ts', 'walpost.config.js'];

/**
 * Finds the project that a folder is in: it, or the nearest one above, has a `walpost.config.ts`.
 *
 * @throws UsageError when there is none, CliError when it cannot be read
 */
export async function loadProject(from: string): Promise<Project> {
  const path = findConfig(from);
  let loaded: { default?: Partial<System> };
  try {
    loaded = await import(pathToFileURL(path).href);
  } catch (error) {
    // Not by its class: the project has a kit of its own. What defineConfig throws names the file.
    const { code, message } = error as Error & { code?: unknown };
    // Of what is only in the `.avsc` files yet it says that it is not there.
    if (code === 'CONFIG_INVALID') requireFreshContract(dirname(path));
    throw new CliError(code === 'CONFIG_INVALID' ? message : `${path}: ${message}`, { cause: error });
  }
  const system = loaded.default;
  if (!system?.services || !system.contract)
    throw new CliError(`${path}: its default export is not what defineConfig gives`);
  return { folder: dirname(path), system: system as System };
}

/** The folder of the project that a folder is in. @throws UsageError when there is none */
export function findProject(from: string): string {
  return dirname(findConfig(from));
}

function findConfig(from: string): string {
  const path = findUpwards(resolve(from));
  if (path !== undefined) return path;
  throw new UsageError(
    `there is no walpost.config.ts in ${resolve(from)} or above it; call this in a project, or make one: npm create walpost`,
  );
}

function findUpwards(folder: string): string | undefined {
  const found = NAMES.map((name) => join(folder, name)).find((path) => existsSync(path));
  if (found !== undefined || dirname(folder) === folder) return found;
  return findUpwards(dirname(folder));
}
