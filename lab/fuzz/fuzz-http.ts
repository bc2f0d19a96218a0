import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { cacheRoot } from 'walpost/stack/paths';
import { setting } from 'walpost/stack/settings';
import { codeOf, messageOf, StackError } from 'walpost/stack/stack-error';
import { type TestStack, testStack } from 'walpost/testing/test-stack';
import { probeHttp } from './probe-http.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** The exit code of a program that was interrupted. */
const INTERRUPTED = 130;

const SCHEMATHESIS = '4.32.5';
/** What the HTTP surface needs, and no relay: an order stays as it was placed. */
const PARTS = [
  ...['postgres', 'kafka', 'registry', 'topics', 'schemas'],
  ...['order', 'payment', 'inventory', 'notification'].flatMap((name) => [`migrate-${name}`, name]),
];
const PORTS = ['ORDER_PORT', 'PAYMENT_PORT', 'INVENTORY_PORT', 'NOTIFICATION_PORT'];

/**
 * 503 is what a service says that cannot work now; any other answer of the kind is a fault. 422 is for what no schema can
 * say: an unknown currency, a total that is too large.
 */
const CONFIG = `[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", 503]
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "3xx", 401, 403, 404, 409, 422, 429, "5xx"]
`;

const usage = `npm run fuzz -- [--cases N] [--seed S]

  --cases  requests to each operation and phase, at most (500)
  --seed   what the requests follow from (1)`;

/**
 * `npm run fuzz`: sends each service what its own OpenAPI document allows, and what it does not, by schemathesis, and
 * malformed HTTP, which that does not make. An answer that the document lacks, an error of the server that is no 503, or
 * one that takes 5 s fails it.
 */
export async function run(args: readonly string[]): Promise<void> {
  let stack: TestStack | undefined;
  let interrupted = false;
  // What runs on the stack ends with it.
  const stop = () => {
    interrupted = true;
    void stack?.close();
  };
  for (const signal of SIGNALS) process.on(signal, stop);
  try {
    const { cases, seed } = readOptions(args);
    stack = await testStack(PARTS);
    if (interrupted) return;
    const program = await install(stack);
    const folder = stack.dataDir;
    await writeFile(join(folder, 'schemathesis.toml'), CONFIG);
    let passed = 0;
    let failed = 0;
    for (const name of PORTS) {
      const url = `http://127.0.0.1:${setting(stack.env, name)}`;
      const { sent, failures } = await probeHttp(url);
      console.log(`${url}: ${sent} malformed requests, ${failures.length} failures`);
      for (const failure of failures) console.log(`  ${failure}`);
      if (failures.length > 0) failed += 1;
      else passed += 1;
      // It keeps a folder of its own where it runs.
      const { code, stdout, stderr } = await stack.run('sh', [
        ...['-c', 'cd "$0" && exec "$@"', folder, program],
        ...['--config-file', join(folder, 'schemathesis.toml'), 'run', `${url}/docs/json`],
        ...['--max-examples', cases, '--seed', seed],
        ...['--request-timeout', '5', '--max-response-time', '5', '--continue-on-failure'],
        ...['--workers', '2', '--generation-database', 'none', '--no-color'],
      ]);
      if (interrupted) return;
      console.log(`${stdout}${stderr}`);
      if (code === 0) passed += 1;
      else failed += 1;
    }
    console.log(`${passed} passed, ${failed} failed`);
    if (failed > 0) process.exitCode = 1;
  } catch (error) {
    // What an interrupted step throws is no news.
    if (interrupted) return;
    console.error(error instanceof StackError ? error.message : error);
    process.exitCode = 1;
  } finally {
    await stack?.close();
    for (const signal of SIGNALS) process.off(signal, stop);
    if (interrupted) process.exitCode = INTERRUPTED;
  }
}

function readOptions(args: readonly string[]): { cases: string; seed: string } {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { cases: { type: 'string', default: '500' }, seed: { type: 'string', default: '1' } },
    });
    for (const [name, value] of Object.entries(values)) {
      if (!/^[1-9]\d*$/.test(value)) throw new Error(`--${name} ${value}: give a whole number from 1 on.`);
    }
    return values;
  } catch (error) {
    throw new StackError(`${messageOf(error)}\n\n${usage}`);
  }
}

/** Installs schemathesis beside the other downloads, once. @returns its program */
async function install(stack: TestStack): Promise<string> {
  const folder = join(cacheRoot(process.env), `schemathesis-${SCHEMATHESIS}`);
  const program = join(folder, 'bin/st');
  if (existsSync(program)) return program;
  console.log(`Installing schemathesis ${SCHEMATHESIS}`);
  await succeed(stack, 'python3', ['-m', 'venv', folder]);
  await succeed(stack, join(folder, 'bin/pip'), ['install', '--quiet', `schemathesis==${SCHEMATHESIS}`]);
  return program;
}

async function succeed(stack: TestStack, command: string, args: readonly string[]): Promise<void> {
  try {
    const { code, stderr } = await stack.run(command, args);
    if (code !== 0) throw new StackError(`${command} failed (exit ${code}): ${stderr.trim()}`);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    throw new StackError('python3 is not on the path: install Python 3.10 or newer with venv and pip.');
  }
}
