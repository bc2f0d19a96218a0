import { expect, test } from '@jest/globals';
import { scenarios } from '../scenarios/scenarios.js';
import { play } from '../scenarios/stage.js';
import { stack } from './stack.js';

// A scenario throws when one of its claims does not hold.
test.each(scenarios)(
  'scenario $name: $summary',
  async (scenario) => {
    const told: string[] = [];
    const shown = await play(scenario, stack, (line) => told.push(line));
    expect(told.filter((line) => line.startsWith('  ✔'))).toHaveLength(shown);
    expect(shown).toBeGreaterThanOrEqual(3);
  },
  120_000,
);
