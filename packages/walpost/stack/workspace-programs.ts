import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Launch } from './child.ts';
import type { ProcessPart, Site, StepPart } from './component.ts';
import { root } from './paths.ts';
import { probeHttp } from './probe-http.ts';
import { portOf, type Settings, settingsFor } from './settings.ts';
import { StackError } from './stack-error.ts';

const services = {
  order: 'ORDER_PORT',
  payment: 'PAYMENT_PORT',
  inventory: 'INVENTORY_PORT',
  notification: 'NOTIFICATION_PORT',
} as const;
type Service = keyof typeof services;
export const serviceNames = Object.keys(services) as Service[];

/** The operator's command line, seen from the clone's root. */
export const commandLine = 'dist/cli/walpost.js';

/** What runs once: migrations, topics, schemas, connectors. */
export function setupSteps({ settings }: Site): StepPart[] {
  const migrations = serviceNames.map((name) => `migrate-${name}`);
  const step = (name: string, needs: string[], script: string, args: string[] = []): StepPart => ({
    kind: 'step',
    name,
    group: 'setup',
    needs,
    launch: () => launchNode(script, args, settingsFor(name, settings)),
  });
  // A machine that starts eight programs at once may answer slowly for a while.
  const patiently = ['--wait', '120'];
  return [
    ...serviceNames.map((name) => step(`migrate-${name}`, ['postgres'], `dist/${name}/migrate.js`)),
    step('topics', ['kafka'], commandLine, ['topics', 'apply', ...patiently]),
    step('schemas', ['registry'], commandLine, ['schemas', 'register', ...patiently]),
    step('connectors', ['connect', 'topics', 'schemas', ...migrations], commandLine, [
      'connectors',
      'apply',
      ...patiently,
    ]),
  ];
}

/** Kafka Connect never restarts a task that failed; this does, as a service of compose would. */
export function watcherPart({ settings }: Site): ProcessPart {
  const port = portOf(settings, 'WATCHER_PORT');
  return {
    kind: 'process',
    name: 'watcher',
    group: 'services',
    needs: ['connectors'],
    launch: () =>
      launchNode(
        commandLine,
        ['connectors', 'watch', '--metrics', `127.0.0.1:${port}`],
        settingsFor('watcher', settings),
      ),
    // It answers without Kafka and Connect too.
    probe: (signal) => probeHttp(`http://127.0.0.1:${port}/metrics`, signal),
    stopSignal: 'SIGTERM',
    stopWithinSeconds: 5,
  };
}

/** One of the four services. */
export function serviceProgram({ settings }: Site, name: Service): ProcessPart {
  return servicePart({
    name,
    // It would start without topics and schemas, but only to wait for them.
    needs: [`migrate-${name}`, 'topics', 'schemas'],
    script: `dist/${name}/main.js`,
    env: settingsFor(name, settings),
    port: portOf(settings, services[name]),
  });
}

/** The page that shows it all. It needs the roles that the migrations make, and shows whatever else is there. */
export function consolePart({ settings }: Site): ProcessPart {
  const part = servicePart({
    name: 'console',
    needs: serviceNames.map((name) => `migrate-${name}`),
    script: 'dist/console/main.js',
    env: settingsFor('console', settings),
    port: portOf(settings, 'CONSOLE_PORT'),
  });
  return { ...part, group: 'console', optional: true };
}

/** A process of a service: one of the four, or one more of them on another port. */
export function servicePart(options: {
  name: string;
  needs: readonly string[];
  script: string;
  env: Settings;
  port: number;
}): ProcessPart {
  const { name, needs, script, env, port } = options;
  return {
    kind: 'process',
    name,
    group: 'services',
    needs,
    // HOST of a shell is often this machine's name, or its architecture's (tcsh, Anaconda): no place to listen on.
    launch: () => launchNode(script, [], { ...env, HOST: '127.0.0.1' }),
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

/** The start of a compiled program of this repository; throws a StackError when it was not built. */
export function launchNode(script: string, args: readonly string[], env: Settings): Launch {
  const path = join(root, script);
  if (!existsSync(path)) throw new StackError(`${script} is not there. Build it: npm run build`);
  return { command: process.execPath, args: [...NODE_FLAGS, path, ...args], env, cwd: root };
}
