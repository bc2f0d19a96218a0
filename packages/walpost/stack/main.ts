import { existsSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { CliError } from '../cli-error.ts';
import { loadProject, type Project } from '../project.ts';
import { makeEnvFile } from './env-file.ts';
import { makeProgress } from './progress.ts';
import type { Stack } from './running-stack.ts';
import { requiredSecrets } from './secrets.ts';
import { portOf, type Settings, setting } from './settings.ts';
import { openStack } from './stack.ts';
import { messageOf, StackError } from './stack-error.ts';

let dataDir: string;
const progress = makeProgress(process.stdout);
const interrupt = new AbortController();
// In a terminal one Ctrl-C arrives twice: from the terminal, and forwarded by npm.
const sameKeyPress = 500;
let interruptedAt = 0;
let stack: Stack | undefined;

/** `npm start`, or `walpost start`: starts everything, says where it is, and stops it all on Ctrl-C, SIGTERM or SIGHUP. */
async function main(): Promise<void> {
  // A terminal that was closed must not end the launcher before it has stopped its children.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  process.on('uncaughtException', fail);
  const project = await loadProject(process.cwd());
  const envFile = join(project.folder, '.env');
  // Whoever gives all passwords in the environment, as a container platform does, needs no file.
  const given = requiredSecrets(project.system).every((name) => process.env[name]);
  if (!given) {
    const done = await makeEnvFile(
      project.system,
      envFile,
      join(project.folder, '.env.example'),
      process.env,
    );
    if (done === 'made') progress.line('Wrote .env with generated passwords.');
    if (done === 'completed') progress.line('Added the passwords that .env lacked.');
  }
  if (existsSync(envFile)) process.loadEnvFile(envFile);
  dataDir = resolve(project.folder, process.env['WALPOST_DATA'] || '.data');
  stack = await openStack({ project, dataDir, env: process.env, report: progress, signal: interrupt.signal });
  interrupt.signal.throwIfAborted();
  await stack.startAll();
  progress.finish();
  progress.line(welcome(project, stack.env));
}

function welcome({ system }: Project, settings: Settings): string {
  const http = (variable: string) => `http://localhost:${portOf({ system, settings }, variable)}`;
  const addresses = [
    ['console', consoleAddress(http('CONSOLE_PORT'), settings['CONSOLE_TOKEN'])],
    ...system.services.map(({ name, portVariable }) => [name, http(portVariable)]),
    ['Postgres', `localhost:${setting(settings, 'POSTGRES_PORT')}`],
    ['Kafka', setting(settings, 'KAFKA_BROKERS')],
    ['registry', setting(settings, 'SCHEMA_REGISTRY_URL')],
    ['Connect', setting(settings, 'CONNECT_URL')],
    ...(system.mail ? [['mail', http('MAIL_WEB_PORT')]] : []),
    ['logs', relative(process.cwd(), join(dataDir, 'logs')) || '.'],
  ] as const;
  const width = Math.max(...addresses.map(([name = '']) => name.length)) + 2;
  const tries = system.services.flatMap(({ portVariable, sample }) =>
    sample
      ? `  curl -i -X POST ${http(portVariable)}${sample.path} -H 'content-type: application/json' -d '${JSON.stringify(sample.body(0))}'\n`
      : [],
  );
  return `
Walpost runs (${Math.round(process.uptime())} s).

${addresses.map(([name = '', address]) => `  ${name.padEnd(width)}${address}`).join('\n')}
${tries.length > 0 ? `\nSend something:\n\n${tries.join('')}` : ''}
Ctrl-C stops everything; the data stays in ${relative(process.cwd(), dataDir) || '.'}.`;
}

/** The part behind # stays in the browser: no server and no log gets to see the token. */
function consoleAddress(url: string, token: string | undefined): string {
  return token ? `${url}/#token=${token}` : url;
}

function onSignal(): void {
  if (interrupt.signal.aborted) {
    if (Date.now() - interruptedAt < sameKeyPress) return;
    interruptedAt = Date.now();
    progress.line('Stopping at once.');
    process.exitCode = 1;
    stack?.killAll();
    return;
  }
  interruptedAt = Date.now();
  progress.finish();
  progress.line('Stopping.');
  stop();
}

function fail(error: unknown): void {
  progress.finish();
  const text =
    error instanceof StackError || error instanceof CliError || !(error instanceof Error)
      ? messageOf(error)
      : error.stack;
  process.stderr.write(`${text}\n`);
  process.exitCode = 1;
  stop();
}

function stop(): void {
  interrupt.abort();
  stack?.close().catch((error: unknown) => {
    process.exitCode = 1;
    process.stderr.write(`Could not stop everything: ${messageOf(error)}\n`);
  });
}

await main().catch((error: unknown) => {
  // What a start throws because it was interrupted is no news.
  if (interrupt.signal.aborted) stop();
  else fail(error);
});
