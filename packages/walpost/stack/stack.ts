import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { requireFreshContract } from '../generated-file.ts';
import type { Project } from '../project.ts';
import { type Component, groups, type Site } from './component.ts';
import { connectPart } from './connect.ts';
import { fetchComponents } from './fetch-components.ts';
import { findJdk } from './find-jdk.ts';
import { requireFreePorts } from './free-ports.ts';
import { kafkaPart } from './kafka.ts';
import { takeLock } from './lock.ts';
import { mailPart } from './mail.ts';
import { makePrivate } from './make-private.ts';
import { cacheRoot, requireUsablePaths } from './paths.ts';
import { postgresPart } from './postgres.ts';
import { registryPart } from './registry.ts';
import { type Reporter, RunningStack, type Stack } from './running-stack.ts';
import { completeSettings, type Environment, portsOf, type Settings, withoutSecrets } from './settings.ts';
import { StackError } from './stack-error.ts';
import { consolePart, serviceProgram, setupSteps, watcherPart } from './workspace-programs.ts';

export interface StackOptions {
  project: Project;
  /** Everything the stack keeps: data, logs, lock. */
  dataDir: string;
  /** Settings as in .env.example; defaults are filled in. */
  env: Environment;
  /** Groups or names of parts; all of them by default. A part does not bring in what it needs. */
  include?: readonly string[];
  /** What some parts see in place of the stack's settings, by their name: e.g. a proxy between them and a server. */
  views?: Views;
  report?: Reporter;
  /** Ends a download that is under way. */
  signal?: AbortSignal;
}

export type Views = Readonly<Record<string, Settings>>;

const silent: Reporter = { parts: () => undefined, state: () => undefined, line: () => undefined };

/**
 * Starts the parts of the native stack, each as soon as what it needs is ready, and watches over them.
 * Throws a StackError, with everything stopped again, when one cannot be started.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const stack = await openStack(options);
  try {
    await stack.startAll();
    return stack;
  } catch (error) {
    await stack.close();
    throw error;
  }
}

/**
 * Makes a stack ready to be started: settings, Java, downloads, the data folder's lock, free ports.
 * Throws a StackError that says what is in the way.
 */
export async function openStack(options: StackOptions): Promise<Stack> {
  const { project, env, include = groups, views = {}, report = silent } = options;
  const dataDir = resolve(options.dataDir);
  requireFreshContract(project.folder);
  requirePrograms(project);
  const settings = completeSettings(project.system, env);
  const site: Site = { ...project, settings, dataDir };
  const ports = portsOf(site);
  const needsJava = ['kafka', 'registry', 'connect'].some((name) => include.includes(name));
  requireUsablePaths({
    clone: project.folder,
    data: dataDir,
    ...(needsJava && { cache: cacheRoot(settings) }),
  });
  makePrivate(dataDir);
  if (needsJava) {
    const jdk = await findJdk(settings);
    site.java = {
      jdk,
      components: await fetchComponents(
        withoutSecrets(project.system, settings),
        jdk,
        report.line,
        options.signal,
      ),
    };
  }
  const components = selected(site, include, views);
  const names = components.map(({ name }) => name);
  const lock = await takeLock(join(dataDir, 'lock'), report.line);
  try {
    await requireFreePorts(ports.filter(({ component }) => names.includes(component)));
  } catch (error) {
    lock.release();
    throw error;
  }
  report.parts(names);
  return new RunningStack(site, components, lock, report);
}

/** @throws StackError naming each service whose program is not there */
function requirePrograms({ folder, system }: Project): void {
  const missing = system.services.filter(({ main }) => !existsSync(resolve(folder, main)));
  if (missing.length === 0) return;
  const named = missing.map(({ name, main }) => `service ${name}: ${main} is not there`);
  throw new StackError(
    `walpost.config.ts: ${named.join('; ')}. Write it, say another \`main\`, or build it (npm run build).`,
  );
}

/** All parts of a stack. None of them asks for Java before it is prepared or launched: a stack may go without. */
export function partsOf(site: Site, views: Views = {}): Component[] {
  const siteOf = (name: string): Site => ({ ...site, settings: { ...site.settings, ...views[name] } });
  return [
    postgresPart(site),
    kafkaPart(site),
    registryPart(site),
    connectPart(siteOf('connect')),
    ...(site.system.mail ? [mailPart(site)] : []),
    ...setupSteps(site),
    ...site.system.services.map((service) => serviceProgram(siteOf(service.name), service)),
    watcherPart(site),
    consolePart(site),
  ];
}

function selected(site: Site, include: readonly string[], views: Views): Component[] {
  const all = partsOf(site, views);
  const known = new Set<string>([...groups, ...all.map(({ name }) => name)]);
  const unknown = include.filter((name) => !known.has(name));
  if (unknown.length > 0) throw new Error(`Unknown part: ${unknown.join(', ')}`);
  const isIn = ({ name, group }: Component) => include.includes(name) || include.includes(group);
  return all.filter(isIn).map((one) => ({ ...one, needs: neededOf(one, all, isIn) }));
}

/** What a part needs among those that are in; one that is out hands on its own needs, for the order of stopping. */
function neededOf(
  part: Component,
  all: readonly Component[],
  isIn: (one: Component) => boolean,
): readonly string[] {
  const direct = all.filter(({ name }) => part.needs.includes(name));
  return [...new Set(direct.flatMap((one) => (isIn(one) ? [one.name] : neededOf(one, all, isIn))))];
}
