import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Service } from '@walpost/kit/config';
import { programOf } from '../program-of.ts';
import type { Launch } from './child.ts';
import type { ProcessPart, Site, StepPart } from './component.ts';
import { probeHttp } from './probe-http.ts';
import { portOf, type Settings, settingsFor } from './settings.ts';
import { StackError } from './stack-error.ts';

/** The operator's command line. */
export const commandLine = programOf('cli/walpost');

/** What runs once: migrations, topics, schemas, connectors. */
export function setupSteps({ system, folder, settings }: Site): StepPart[] {
  const migrations = system.services.map(({ name }) => `migrate-${name}`);
  const step = (name: string, needs: string[], args: string[]): StepPart => ({
    kind: 'step',
    name,
    group: 'setup',
    needs,
    launch: () => launchNode(folder, commandLine, args, settingsFor(system, name, settings)),
  });
  // A machine that starts eight programs at once may answer slowly for a while.
  const patiently = ['--wait', '120'];
  return [
    ...system.services.map(({ name }) => step(`migrate-${name}`, ['postgres'], ['migrate', name])),
    step('topics', ['kafka'], ['topics', 'apply', ...patiently]),
    step('schemas', ['registry'], ['schemas', 'register', ...patiently]),
    step(
      'connectors',
      ['connect', 'topics', 'schemas', ...migrations],
      ['connectors', 'apply', ...patiently],
    ),
  ];
}

/** Kafka Connect never restarts a task that failed; this does, as a service of compose would. */
export function watcherPart(site: Site): ProcessPart {
  const { system, folder, settings } = site;
  const port = portOf(site, 'WATCHER_PORT');
  return {
    kind: 'process',
    name: 'watcher',
    group: 'services',
    needs: ['connectors'],
    launch: () =>
      launchNode(
        folder,
        commandLine,
        ['connectors', 'watch', '--metrics', `127.0.0.1:${port}`],
        settingsFor(system, 'watcher', settings),
      ),
    // It answers without Kafka and Connect too.
    probe: (signal) => probeHttp(`http://127.0.0.1:${port}/metrics`, signal),
    stopSignal: 'SIGTERM',
    stopWithinSeconds: 5,
  };
}

/** One of the system's services. */
export function serviceProgram(site: Site, { name, main, portVariable }: Service): ProcessPart {
  return servicePart({
    name,
    folder: site.folder,
    // It would start without topics and schemas, but only to wait for them.
    needs: [`migrate-${name}`, 'topics', 'schemas'],
    script: main,
    env: settingsFor(site.system, name, site.settings),
    port: portOf(site, portVariable),
  });
}

/** The page that shows it all. It needs the roles that the migrations make, and shows whatever else is there. */
export function consolePart(site: Site): ProcessPart {
  const { system, folder, settings } = site;
  const part = servicePart({
    name: 'console',
    folder,
    needs: system.services.map(({ name }) => `migrate-${name}`),
    script: programOf('console/main'),
    env: settingsFor(system, 'console', settings),
    port: portOf(site, 'CONSOLE_PORT'),
  });
  return { ...part, group: 'console', optional: true };
}

/** A process of a service: one of the system's, or one more of them on another port. */
export function servicePart(options: {
  name: string;
  /** The project's, in which it runs. */
  folder: string;
  needs: readonly string[];
  /** From that folder. */
  script: string;
  env: Settings;
  port: number;
}): ProcessPart {
  const { name, folder, needs, script, env, port } = options;
  return {
    kind: 'process',
    name,
    group: 'services',
    needs,
    // HOST of a shell is often this machine's name, or its architecture's (tcsh, Anaconda): no place to listen on.
    launch: () => launchNode(folder, script, [], { ...env, HOST: '127.0.0.1' }),
    probe: (signal) => probeHttp(`http://127.0.0.1:${port}/health/ready`, signal),
    stopSignal: 'SIGTERM',
    stopWithinSeconds: 20,
  };
}

const NODE_FLAGS = [
  // Without a limit, V8 lets garbage lie according to what the machine has: docs/performance.md, memory. In a container
  // the limit of its memory does this.
  '--max-old-space-size=128',
  // Node's own value; from the limit a smaller one would follow, which costs intake a tenth.
  '--max-semi-space-size=16',
  // Where many objects outlived a collection, V8 makes the next ones old at once. Those of a request or a statement then
  // stay, with all that they refer to, until a full collection: a tenth of what intake computes.
  '--no-allocation-site-pretenuring',
];

/** The start of a program in a project's folder; throws a StackError when it is not there. */
function launchNode(folder: string, script: string, args: readonly string[], env: Settings): Launch {
  const path = resolve(folder, script);
  if (!existsSync(path)) throw new StackError(`${path} is not there.`);
  return { command: process.execPath, args: [...NODE_FLAGS, path, ...args], env, cwd: folder };
}
