import { makeProgress } from '@walpost/native/progress';
import { StackError } from '@walpost/native/stack-error';
import { testStack } from '@walpost/native/test-stack';
import { scenarios } from './scenarios.js';
import { play, type Scenario, ScenarioError } from './stage.js';

/**
 * `npm run scenario [name]`: plays a scenario on a stack of its own, or lists them. What goes wrong is said in one line
 * and in the exit code; Ctrl-C, SIGTERM and SIGHUP stop everything.
 */
export async function run(args: readonly string[]): Promise<void> {
  const [name, ...rest] = args;
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
  await playOnOwnStack(scenario);
}

/** One line for each scenario. */
export function listOfScenarios(): string {
  const lines = scenarios.map(({ name, summary }) => `  npm run scenario ${name.padEnd(12)} ${summary}`);
  return ['Concepts, seen running on the real components:', '', ...lines].join('\n');
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
    progress.settle();
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
