import { expect, test } from '@jest/globals';
import type { TestStack } from 'walpost/testing/test-stack';
import { play, type Scenario, ScenarioError, type Stage } from '../stage.ts';

// These scenarios use no part of it.
const stack = {} as TestStack;

function scenarioOf(steps: (stage: Stage) => Promise<void>): Scenario {
  return { name: 'sample', summary: '', question: '', parts: [], play: steps };
}

test('claims that hold are printed and counted', async () => {
  const reported: string[] = [];
  const scenario = scenarioOf(async ({ say, show }) => {
    say('Two things.');
    show('1 of 1', true);
    show('2 of 2', true);
  });
  expect(await play(scenario, stack, (line) => reported.push(line))).toBe(2);
  expect(reported).toEqual(['Two things.', '  ✔ 1 of 1', '  ✔ 2 of 2']);
});

test('a claim that does not hold ends it with its figures, and all is released, the last first', async () => {
  const released: string[] = [];
  const scenario = scenarioOf(async ({ defer, show }) => {
    defer(() => released.push('first'));
    defer(() => released.push('second'));
    show('19 of 20 events', false);
  });
  await expect(play(scenario, stack, () => undefined)).rejects.toThrow(
    new ScenarioError('sample: not so: 19 of 20 events'),
  );
  expect(released).toEqual(['second', 'first']);
});

test('an interrupt ends a wait, and releases', async () => {
  const interrupt = new AbortController();
  let released = false;
  const scenario = scenarioOf(async ({ defer, eventually }) => {
    defer(() => {
      released = true;
    });
    await eventually('never', async () => {
      interrupt.abort();
      return undefined;
    });
  });
  await expect(play(scenario, stack, () => undefined, interrupt.signal)).rejects.toThrow('aborted');
  expect(released).toBe(true);
});

test('a probe that throws is asked again', async () => {
  let calls = 0;
  const scenario = scenarioOf(async ({ eventually, show }) => {
    const answer = await eventually('an answer', async () => {
      calls += 1;
      if (calls < 3) throw new Error('not yet');
      return calls;
    });
    show(`${answer} calls`, answer === 3);
  });
  expect(await play(scenario, stack, () => undefined)).toBe(1);
});
