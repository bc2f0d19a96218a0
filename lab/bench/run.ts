import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem, type } from 'node:os';
import { join } from 'node:path';
import { root } from 'walpost/stack/paths';
import { StackError } from 'walpost/stack/stack-error';
import { type TestStack, testStack } from 'walpost/testing/test-stack';
import { checkDurability } from './durability.ts';
import { toMarkdown } from './markdown.ts';
import { BenchError, type Measurement } from './measurement.ts';
import { formerMeasurements, measurements } from './measurements.ts';
import { openProgressLine } from './progress-line.ts';
import type { Machine, Result } from './result.ts';
import { runMeasurement } from './run-measurement.ts';

const REPEATS = 5;
const QUICK_REPEATS = 2;
const folder = join(root, 'lab/bench/results');

/**
 * `npm run bench [-- --quick] [-- name …]`: runs measurements on a stack of their own and writes what they found into
 * lab/bench/results. What goes wrong is said in one line and in the exit code; Ctrl-C, SIGTERM and SIGHUP stop everything.
 */
export async function run(args: readonly string[]): Promise<void> {
  const quick = args.includes('--quick');
  const names = args.filter((each) => each !== '--quick').map((each) => formerMeasurements[each] ?? each);
  const unknown = names.find((each) => !measurements.some(({ name }) => name === each));
  if (unknown !== undefined) {
    console.error(`There is no measurement ${unknown}. There are:\n${listOfMeasurements()}`);
    process.exitCode = 1;
    return;
  }
  const chosen = measurements.filter(({ name, takesLong }) =>
    names.length > 0 ? names.includes(name) : !(quick && takesLong),
  );
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (!interrupt.signal.aborted) console.log('\nStopping after this sample.');
      process.exitCode = 130;
      interrupt.abort();
    });
  }
  try {
    const results = await runAll(chosen, quick, interrupt.signal);
    console.log(`\n${toMarkdown(results)}`);
    console.log(`The table and JSON are in ${folder}.`);
  } catch (error) {
    // What an interrupted measurement throws is no news.
    if (interrupt.signal.aborted) return;
    process.exitCode = 1;
    const plain = error instanceof BenchError || error instanceof StackError;
    console.error(plain ? error.message : error);
  }
}

function listOfMeasurements(): string {
  return measurements
    .map(({ name, summary }) => `  npm run bench -- ${name.padEnd(12)} ${summary}`)
    .join('\n');
}

/** One measurement after the other; those that need the same parts share a stack. */
async function runAll(
  chosen: readonly Measurement[],
  quick: boolean,
  signal: AbortSignal,
): Promise<Result[]> {
  const progress = openProgressLine(process.stdout);
  const results: Result[] = [];
  mkdirSync(folder, { recursive: true });
  let stack: TestStack | undefined;
  let parts = '';
  try {
    for (const measurement of chosen) {
      const wanted = measurement.parts.join(' ');
      if (wanted !== parts) {
        await stack?.close();
        stack = undefined;
        signal.throwIfAborted();
        progress.line(`Starting ${wanted}`);
        stack = await testStack(measurement.parts);
        parts = wanted;
        progress.line(await checkDurability(stack));
      }
      if (!stack) throw new Error('there is no stack');
      const repeats = quick ? QUICK_REPEATS : REPEATS;
      const result = await runMeasurement(measurement, stack, {
        quick,
        repeats,
        machine: thisMachine(),
        progress,
        signal,
      });
      results.push(result);
      keep(result);
      progress.line(`${measurement.name} done (${result.seconds} s)`);
    }
  } finally {
    await stack?.close();
  }
  writeFileSync(join(folder, 'results.md'), toMarkdown(keptResults()));
  return results;
}

/** The last result of each measurement, whichever run it is from. */
function keptResults(): Result[] {
  const files = measurements.map(({ name }) => join(folder, `${name}.json`));
  return files
    .filter((file) => existsSync(file))
    .map((file) => JSON.parse(readFileSync(file, 'utf8')) as Result);
}

function keep(result: Result): void {
  writeFileSync(join(folder, `${result.measurement}.json`), `${JSON.stringify(result, undefined, 2)}\n`);
}

function thisMachine(): Machine {
  const processors = cpus();
  return {
    cpu: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    node: process.version,
  };
}
