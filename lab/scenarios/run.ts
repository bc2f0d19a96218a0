import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { root } from 'walpost/stack/paths';
import { makeProgress } from 'walpost/stack/progress';
import { StackError } from 'walpost/stack/stack-error';
import { testStack } from 'walpost/testing/test-stack';
import { withRecorded } from './recorded.ts';
import { scenarios } from './scenarios.ts';
import { play, type Scenario, ScenarioError } from './stage.ts';

/** The course, and its translation. */
const DOCUMENTS = ['concepts.md', 'concepts.ko.md'];

/**
 * `npm run scenario [name] [--guess]`: plays a scenario on a stack of its own, or lists them. What goes wrong is said in
 * one line and in the exit code; Ctrl-C, SIGTERM and SIGHUP stop everything. `--record` plays all of them, and writes what
 * they said into the documents.
 */
export async function run(args: readonly string[]): Promise<void> {
  if (args.join() === '--record') return record();
  const guesses = args.includes('--guess');
  const [name, ...rest] = args.filter((arg) => arg !== '--guess');
  if (name === undefined) return console.log(listOfScenarios());
  const scenario = scenarios.find((each) => each.name === name);
  if (!scenario || rest.length > 0) {
    const names = scenarios.map((each) => each.name).join(', ');
    console.error(
      scenario
        ? `One scenario at a time: npm run scenario ${name}`
        : `There is no scenario ${name}. Choose one of: ${names}.`,
    );
    process.exitCode = 1;
    return;
  }
  if (guesses && !process.stdin.isTTY) {
    console.error('--guess asks on a terminal, and this is none.');
    process.exitCode = 1;
    return;
  }
  const guess = guesses ? await ask(scenario.question) : undefined;
  await playOnOwnStack(scenario);
  if (guess) console.log(`You said: ${guess}`);
}

/** Plays all scenarios on one stack, and writes their outputs into the documents that show them. */
async function record(): Promise<void> {
  const stack = await testStack(undefined, { report: makeProgress(process.stdout) });
  try {
    for (const scenario of scenarios) {
      const lines: string[] = [];
      console.log(`\n${scenario.name}`);
      await play(scenario, stack, (line) => {
        console.log(line);
        lines.push(line);
      });
      for (const path of DOCUMENTS.map((name) => join(root, 'docs', name)))
        writeFileSync(path, withRecorded(readFileSync(path, 'utf8'), scenario.name, lines));
    }
  } finally {
    await stack.close();
  }
}

/** Asks the reader, who may answer with nothing. */
async function ask(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question(`${question}\n> `);
  terminal.close();
  return answer.trim();
}

/** One line for each scenario. */
export function listOfScenarios(): string {
  const lines = scenarios.map(({ name, summary }) => `  npm run scenario ${name.padEnd(15)} ${summary}`);
  const hint = 'With `-- --guess` it asks you first what you expect.';
  return ['Concepts, seen running on the real components:', '', ...lines, '', hint].join('\n');
}

async function playOnOwnStack(scenario: Scenario): Promise<void> {
  const interrupt = new AbortController();
  const stop = () => {
    if (interrupt.signal.aborted) return;
    console.log(isUp ? 'Stopping.' : 'Stopping, as soon as everything has started.');
    process.exitCode = 130;
    interrupt.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
  let isUp = false;
  const begun = Date.now();
  try {
    const progress = makeProgress(process.stdout);
    progress.line(`${scenario.name}: ${scenario.summary}`);
    const stack = await testStack(scenario.parts, { report: progress });
    isUp = true;
    progress.finish();
    try {
      console.log('');
      const shown = await play(scenario, stack, (line) => console.log(line), interrupt.signal);
      console.log(
        `\n${scenario.name}: all ${shown} claims hold (${Math.round((Date.now() - begun) / 1000)} s).`,
      );
    } finally {
      await stack.close();
    }
  } catch (error) {
    // What an interrupted scenario throws is no news.
    if (interrupt.signal.aborted) return;
    process.exitCode = 1;
    const plain = error instanceof ScenarioError || error instanceof StackError;
    console.error(plain ? error.message : error);
  }
}
