import { existsSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { makeEnvFile } from './env-file.ts';
import { root } from './paths.ts';
import { makeProgress } from './progress.ts';
import type { Stack } from './running-stack.ts';
import { portOf, requiredSecrets, type Settings, setting } from './settings.ts';
import { openStack } from './stack.ts';
import { messageOf, StackError } from './stack-error.ts';

let dataDir: string;
const progress = makeProgress(process.stdout);
const interrupt = new AbortController();
// In a terminal one Ctrl-C arrives twice: from the terminal, and forwarded by npm.
const sameKeyPress = 500;
let interruptedAt = 0;
let stack: Stack | undefined;

/** `npm start`: starts everything, says where it is, and stops it all on Ctrl-C, SIGTERM or SIGHUP. */
async function main(): Promise<void> {
  // A terminal that was closed must not end the launcher before it has stopped its children.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  process.on('uncaughtException', fail);
  const envFile = join(root, '.env');
  // Whoever gives all passwords in the environment, as a container platform does, needs no file.
  const given = requiredSecrets.every((name) => process.env[name]);
  if (!given) {
    const done = await makeEnvFile(envFile, join(root, '.env.example'), process.env);
    if (done === 'made') progress.line('Wrote .env with generated passwords.');
    if (done === 'completed') progress.line('Added the passwords that .env lacked.');
  }
  if (existsSync(envFile)) process.loadEnvFile(envFile);
  dataDir = resolve(root, process.env['WALPOST_DATA'] || '.data');
  stack = await openStack({ dataDir, env: process.env, report: progress, signal: interrupt.signal });
  interrupt.signal.throwIfAborted();
  await stack.startAll();
  progress.finish();
  progress.line(welcome(stack.env));
}

function welcome(settings: Settings): string {
  const http = (variable: string) => `http://localhost:${portOf(settings, variable)}`;
  const order =
    '{"customerId":"ada","currency":"EUR","items":[{"sku":"BOOK-1","quantity":2,"unitPrice":1250}]}';
  return `
Walpost runs (${Math.round(process.uptime())} s).

  console        ${consoleAddress(http('CONSOLE_PORT'), settings['CONSOLE_TOKEN'])}
  orders         ${http('ORDER_PORT')}
  payments       ${http('PAYMENT_PORT')}
  inventory      ${http('INVENTORY_PORT')}
  notifications  ${http('NOTIFICATION_PORT')}
  Postgres       localhost:${portOf(settings, 'POSTGRES_PORT')}
  Kafka          ${setting(settings, 'KAFKA_BROKERS')}
  registry       ${setting(settings, 'SCHEMA_REGISTRY_URL')}
  Connect        ${setting(settings, 'CONNECT_URL')}
  e-mails        ${http('MAIL_WEB_PORT')}
  logs           ${relative(process.cwd(), join(dataDir, 'logs')) || '.'}

Place an order:

  curl -i -X POST ${http('ORDER_PORT')}/orders -H 'content-type: application/json' -d '${order}'

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
  const text = error instanceof StackError || !(error instanceof Error) ? messageOf(error) : error.stack;
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
