import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { System } from '@walpost/kit/config';
import { loadProject, type Project } from '../project.ts';
import { clearLeftover, readLock } from '../stack/lock.ts';
import type { Reporter, Stack } from '../stack/running-stack.ts';
import { secretNames } from '../stack/secrets.ts';
import { baseEnvironment, type Environment, type Settings } from '../stack/settings.ts';
import { startStack, type Views } from '../stack/stack.ts';
import { reservePorts } from './reserve-ports.ts';

const prefix = `walpost-test-${process.getuid?.()}-`;

/** Settings with ports and passwords of their own; the ports are taken until released. */
export interface FreeEnvironment {
  env: Settings;
  /** Ports of the block that no setting uses, for further processes of a service. */
  sparePorts: readonly number[];
  release(): void;
}

/** Settings for a stack that meets neither a running `npm start` nor another test run. */
export async function freeEnvironment(
  system: System,
  base: Environment = process.env,
): Promise<FreeEnvironment> {
  const block = await reservePorts();
  const [
    postgres,
    kafka,
    controller,
    registry,
    management,
    connect,
    smtp,
    mailWeb,
    console,
    watcher,
    ...rest
  ] = block.ports;
  const ports = system.services.map(({ portVariable }, at) => [portVariable, String(rest[at])]);
  const sparePorts = rest.slice(ports.length);
  const passwords = secretNames(system).map((name) => [name, randomBytes(12).toString('base64url')]);
  const env = {
    ...baseEnvironment(base),
    ...Object.fromEntries(passwords),
    POSTGRES_HOST: 'localhost',
    POSTGRES_PORT: String(postgres),
    KAFKA_BROKERS: `localhost:${kafka}`,
    KAFKA_CONTROLLER_PORT: String(controller),
    SCHEMA_REGISTRY_URL: `http://localhost:${registry}/apis/ccompat/v7`,
    SCHEMA_REGISTRY_MANAGEMENT_PORT: String(management),
    CONNECT_URL: `http://localhost:${connect}`,
    ...Object.fromEntries(ports),
    CONSOLE_PORT: String(console),
    WATCHER_PORT: String(watcher),
    SMTP_URL: `smtp://localhost:${smtp}`,
    MAIL_WEB_PORT: String(mailWeb),
    LOG_LEVEL: 'info',
  };
  return { env, sparePorts, release: block.release };
}

/** A stack for tests, and what is spare for them. */
export type TestStack = Stack & { sparePorts: readonly number[] };

export interface TestStackOptions {
  /** Whose stack; that of the folder in which tests run when not given. */
  project?: Project;
  report?: Reporter;
  /** Settings beside those that every test stack has. */
  settings?: Settings;
  /** Starts what the stack is to find, given its settings: a server that is no part of it, for example. */
  before?: (env: Settings) => Promise<void>;
  /** Given the stack's settings, what some parts are to see in their place. */
  viewsOf?: (env: Settings) => Promise<Views>;
}

/**
 * Starts the named parts (all by default) in a temporary folder with ports and passwords of their own.
 * `close` stops them and removes the folder. What killed test runs left is ended first.
 */
export async function testStack(
  include?: readonly string[],
  { project, report, settings, before, viewsOf }: TestStackOptions = {},
): Promise<TestStack> {
  await removeLeftovers();
  const mine = project ?? (await loadProject(process.cwd()));
  const free = await freeEnvironment(mine.system);
  const dataDir = await mkdtemp(join(tmpdir(), prefix));
  const remove = async () => {
    free.release();
    await rm(dataDir, { recursive: true, force: true });
  };
  try {
    await before?.(free.env);
    const options = {
      project: mine,
      dataDir,
      env: { ...free.env, ...settings },
      ...(include ? { include } : {}),
      ...(report ? { report } : {}),
      ...(viewsOf ? { views: await viewsOf(free.env) } : {}),
    };
    const stack = await startStack(options);
    const closeStack = stack.close.bind(stack);
    stack.close = async () => {
      await closeStack();
      await remove();
    };
    return Object.assign(stack, { sparePorts: free.sparePorts });
  } catch (error) {
    await remove();
    throw error;
  }
}

/** Ends the processes and removes the folders of test runs that were killed. */
export async function removeLeftovers(): Promise<void> {
  const names = (await readdir(tmpdir())).filter((name) => name.startsWith(prefix));
  for (const folder of names.map((name) => join(tmpdir(), name))) {
    const lock = join(folder, 'lock');
    if (readLock(lock).kind !== 'left') continue;
    await clearLeftover(lock, () => undefined);
    await rm(folder, { recursive: true, force: true });
  }
}
