import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Outcome } from 'walpost/stack/run-program';
import { setting } from 'walpost/stack/settings';
import { codeOf } from 'walpost/stack/stack-error';
import type { TestStack } from 'walpost/testing/test-stack';
import { BenchError } from './measurement.ts';

export interface PgbenchRun {
  database: string;
  user: string;
  password: string;
  clients: number;
  seconds: number;
  /** What one client does, over and over: statements, and pgbench's own commands. */
  script: string;
}

/** Runs a script by pgbench on the stack's Postgres, its statements prepared. @returns scripts a second */
export async function pgbench(stack: TestStack, run: PgbenchRun): Promise<number> {
  const file = join(stack.dataDir, `pgbench-${randomUUID()}.sql`);
  await writeFile(file, run.script);
  const options = {
    '--protocol': 'prepared',
    '--client': run.clients,
    '--jobs': Math.min(2, run.clients),
    '--time': run.seconds,
    '--host': '127.0.0.1',
    '--port': setting(stack.env, 'POSTGRES_PORT'),
    '--username': run.user,
    '--file': file,
  };
  const args = Object.entries(options).flatMap(([name, value]) => [name, String(value)]);
  const { stdout } = await runTool(stack, 'pgbench', ['--no-vacuum', ...args, run.database], run.password);
  const [, rate] = /^tps = ([\d.]+)/m.exec(stdout) ?? [];
  if (!rate) {
    throw new BenchError(
      `pgbench did nothing within ${run.seconds} s, its ${run.clients} logins took all of them: the machine is too busy to measure.`,
    );
  }
  return Number(rate);
}

const PACKAGES = { pgbench: 'postgresql-15', pg_recvlogical: 'postgresql-client-15' };

/**
 * Runs one of Postgres's own programs to its end.
 *
 * @throws {BenchError} it is not installed, or it failed
 */
export async function runTool(
  stack: TestStack,
  name: keyof typeof PACKAGES,
  args: readonly string[],
  password: string,
): Promise<Outcome> {
  try {
    const outcome = await stack.run(name, args, { PGPASSWORD: password });
    if (outcome.code === 0) return outcome;
    throw new BenchError(
      `${name} failed (exit ${outcome.code}): ${outcome.stderr.trim().split('\n').at(-1)}`,
    );
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    throw new BenchError(
      `${name} is not on the path; it is what the database alone can do. Install version 15 or newer, e.g. \`apt install ${PACKAGES[name]}\`.`,
    );
  }
}
