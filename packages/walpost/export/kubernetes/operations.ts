import { connectUrl } from './connect.ts';
import { deploymentSpec, httpProbes, kafkaAccess, type Program, postgresAccess } from './program.ts';
import { podLabels, type Resource, resource, type Scope } from './resource.ts';
import { databaseUrls, plain, secretsOf } from './secrets.ts';

const CONSOLE_PORT = 3100;
const WATCHER_PORT = 3101;

/** The console, and the watcher that restarts what fails of the connectors: one of each. */
export function operations(scope: Scope): Resource[] {
  return [...console(scope), ...watcher(scope)];
}

function console(scope: Scope): Resource[] {
  const { system, target } = scope;
  const intake = system.services.find(({ sample }) => sample);
  const program: Program = {
    name: 'console',
    image: target.toolsImage,
    args: [target.programs.console],
    env: [
      plain('HOST', '0.0.0.0'),
      plain('CONSOLE_PORT', CONSOLE_PORT),
      ...postgresAccess(target),
      ...kafkaAccess(target, 'console'),
      plain('CONNECT_URL', connectUrl(system)),
      ...(intake ? [plain(intake.urlVariable, `http://${intake.name}:${intake.port}`)] : []),
      ...databaseUrls(system.services),
      ...secretsOf(system, 'console'),
    ],
    memory: '192Mi',
    authorities: ['kafka', 'postgres'],
  };
  return reached(scope, program, CONSOLE_PORT, httpProbes());
}

function watcher(scope: Scope): Resource[] {
  const { system, target } = scope;
  const program: Program = {
    name: 'watcher',
    image: target.toolsImage,
    args: [target.programs.walpost, 'connectors', 'watch', '--metrics', `0.0.0.0:${WATCHER_PORT}`],
    env: [...kafkaAccess(target, 'operator'), plain('CONNECT_URL', connectUrl(system))],
    memory: '192Mi',
    authorities: ['kafka'],
  };
  // Its /health/ready says whether the connectors run: while they do not, its metrics are wanted most.
  const answers = { tcpSocket: { port: 'http' }, timeoutSeconds: 5 };
  return reached(scope, program, WATCHER_PORT, {
    startupProbe: { ...answers, periodSeconds: 2, failureThreshold: 60 },
    livenessProbe: { ...answers, periodSeconds: 10, failureThreshold: 6 },
    readinessProbe: { ...answers, periodSeconds: 5, failureThreshold: 3 },
  });
}

function reached(scope: Scope, program: Program, port: number, probes: object): Resource[] {
  const container = { ports: [{ name: 'http', containerPort: port }], ...probes };
  return [
    resource(scope, 'Deployment', program.name, deploymentSpec(scope, program, 1, container)),
    resource(scope, 'Service', program.name, {
      selector: podLabels(scope, program.name),
      ports: [{ name: 'http', port, targetPort: 'http' }],
    }),
  ];
}
