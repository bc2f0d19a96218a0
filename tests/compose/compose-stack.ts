import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { parseEnv, promisify } from 'node:util';
import { reservePorts } from 'walpost/testing/reserve-ports';
import { type Environment, eventually, explaining } from 'walpost/testing/support';

const root = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

/**
 * What a wait gives up after, s. It ends a test that would hang and measures nobody's speed: a broker that comes back
 * takes
 * 90 s on two slow cores that twenty other processes keep busy.
 */
export const TIMEOUT_S = 240;
/** Between two questions to Docker, ms: each is a program that takes a core for a moment. */
export const ASK_EVERY = 1_000;

/** A project of its own on this machine's Docker: own name, ports, passwords and volumes. */
export interface ComposeStack {
  /** Its ports and, once it is up, the passwords that it has made. */
  env: Environment;
  /** Runs `docker compose …` and answers what it printed; rejects with what it complained about. */
  compose(...args: string[]): Promise<string>;
  /** Starts a stopped container as it is; Compose would run the one-shots that it depends on again. */
  start(service: string): Promise<void>;
  /** Ends a container's program as a crash would, so that the restart policy is what brings it back. */
  crash(service: string): Promise<void>;
  /** One fact about a service's container, by a template of `docker inspect`. */
  inspect(service: string, template: string): Promise<string>;
  /** Resolves when a service's container is healthy. */
  healthy(service: string): Promise<void>;
  /** Does something. When it fails, prints the end of the containers' logs, and the error says what doctor finds. */
  explaining<T>(work: () => Promise<T>): Promise<T>;
  /** Takes everything down, data included. */
  close(): Promise<void>;
}

const PORTS = [
  'POSTGRES_PORT',
  'KAFKA_PORT',
  'SCHEMA_REGISTRY_PORT',
  'CONNECT_PORT',
  'WATCHER_PORT',
  'MAIL_WEB_PORT',
  'CONSOLE_PORT',
  'KAFKA_2_PORT',
  'KAFKA_3_PORT',
  'POSTGRES_STANDBY_PORT',
  'PROMETHEUS_PORT',
];

const SHOW_SECRETS = ['run', '--rm', '--no-deps', 'secrets', 'show'];

/**
 * @param files compose files, seen from the folder
 * @param services those that have a port
 * @param folder that of the clone, or of somebody's project
 */
export async function composeStack(
  files: readonly string[],
  services: readonly string[] = ['ORDER', 'PAYMENT', 'INVENTORY', 'NOTIFICATION'],
  folder = root,
): Promise<ComposeStack> {
  const block = await reservePorts();
  const names = [...PORTS, ...services.map((name) => `${name}_PORT`)];
  const ports = Object.fromEntries(names.map((name, index) => [name, String(block.ports[index])]));
  const own = {
    ...ports,
    COMPOSE_PROJECT_NAME: `walpost-test-${randomBytes(4).toString('hex')}`,
    COMPOSE_FILE: files.join(':'),
    // As in a fresh clone, whatever .env an npm start has left in this one.
    COMPOSE_DISABLE_ENV_FILE: '1',
  };
  const env: Record<string, string> = { ...own, KAFKA_BROKERS: `localhost:${ports['KAFKA_PORT']}` };

  const docker = async (...args: string[]): Promise<string> => {
    try {
      const options = { cwd: folder, env: { ...process.env, ...own }, maxBuffer: 64 * 1024 * 1024 };
      return (await run('docker', args, options)).stdout;
    } catch (error) {
      const { stderr, stdout } = error as { stderr?: string; stdout?: string };
      const said = `${stdout ?? ''}${stderr ?? ''}`.trim().split('\n').slice(-60).join('\n');
      throw new Error(`docker ${args.join(' ')}: ${said || error}`);
    }
  };
  // Asked for once: Compose takes a second to answer, and only these two make other containers.
  const containers = new Map<string, string>();
  const compose = async (...args: string[]) => {
    if (args.some((arg) => arg === 'up' || arg === 'down')) containers.clear();
    const said = await docker('compose', ...args);
    if (args[0] === 'up') Object.assign(env, parseEnv(await docker('compose', ...SHOW_SECRETS)));
    return said;
  };
  const containerOf = async (service: string) => {
    const id = containers.get(service) ?? (await compose('ps', '--all', '--quiet', service)).trim();
    containers.set(service, id);
    return id;
  };
  const inspect = async (service: string, template: string) =>
    (await docker('inspect', '--format', template, await containerOf(service))).trim();

  return {
    env,
    compose,
    async start(service) {
      await docker('start', await containerOf(service));
    },
    async crash(service) {
      const pid = await inspect(service, '{{.State.Pid}}');
      const image = await inspect(service, '{{.Image}}');
      // A container cannot kill its own first process, and `docker kill` counts as being stopped on purpose.
      await docker('run', '--rm', '--pid=host', '--user=0', '--entrypoint=sh', image, '-c', `kill -9 ${pid}`);
    },
    async healthy(service) {
      await eventually(
        async () => ((await inspect(service, '{{.State.Health.Status}}')) === 'healthy' ? true : undefined),
        TIMEOUT_S,
        { every: ASK_EVERY },
      );
    },
    inspect,
    async explaining(work) {
      return explaining(async () => {
        console.error(await compose('logs', '--tail', '15', '--no-color').catch(String));
        return compose('run', '--rm', '--no-deps', 'walpost', 'doctor');
      }, work);
    },
    async close() {
      await compose('--profile', '*', 'down', '--volumes', '--timeout', '5', '--remove-orphans');
      block.release();
    },
  };
}
