import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually } from './support.ts';

/** An alert that waits for its time, or fires. */
export interface Alert {
  readonly annotations: { readonly summary: string; readonly help?: string };
}

/** Prometheus beside a stack, with the project's own configuration and rules. */
export interface Prometheus {
  alerts(): Promise<Alert[]>;
  close(): Promise<void>;
}

const folder = fileURLToPath(new URL('../../../compose/observability/', import.meta.url));

/** The system's Prometheus: `PROMETHEUS`, or the one of the path. */
export function findPrometheus(environment: NodeJS.ProcessEnv): string | undefined {
  const command = environment['PROMETHEUS'] || 'prometheus';
  return spawnSync(command, ['--version']).error === undefined ? command : undefined;
}

/**
 * Starts it with what compose gives it, but for the addresses of services, and waits until it serves.
 *
 * @param env the stack's
 * @param dataDir where it keeps its files
 */
export async function startPrometheus(
  command: string,
  env: Readonly<Record<string, string>>,
  dataDir: string,
  port: number,
): Promise<Prometheus> {
  const home = join(dataDir, 'prometheus');
  mkdirSync(home, { recursive: true });
  const config = join(home, 'prometheus.yaml');
  writeFileSync(config, configFor(env));
  const child = spawn(
    command,
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(home, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const log = createWriteStream(join(home, 'log'));
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  const base = `http://127.0.0.1:${port}`;
  await eventually(async () => {
    if (child.exitCode !== null) throw new Error(readFileSync(join(home, 'log'), 'utf8'));
    return (await fetch(`${base}/-/ready`)).ok ? true : undefined;
  });
  return {
    alerts: async () => {
      const answer = (await (await fetch(`${base}/api/v1/alerts`)).json()) as { data: { alerts: Alert[] } };
      return answer.data.alerts;
    },
    close: () => ended(child),
  };
}

function configFor(env: Readonly<Record<string, string>>): string {
  return readFileSync(join(folder, 'prometheus.yaml'), 'utf8')
    .replace(/"(order|payment|inventory|notification|watcher):\d+"/g, (_match, name: string) => {
      const port = env[`${name.toUpperCase()}_PORT`];
      if (port === undefined) throw new Error(`${name} has no port`);
      return `"127.0.0.1:${port}"`;
    })
    .replace('/etc/prometheus/alerts.yaml', join(folder, 'alerts.yaml'));
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  child.kill();
  await once(child, 'exit');
}
