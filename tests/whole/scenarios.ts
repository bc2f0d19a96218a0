import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { root } from 'walpost/stack/paths';
import { recordedIn, withoutFigures } from '../../lab/scenarios/recorded.ts';
import { scenarios } from '../../lab/scenarios/scenarios.ts';
import { play } from '../../lab/scenarios/stage.ts';
import { stack } from './stack.ts';

const concepts = readFileSync(join(root, 'docs/concepts.md'), 'utf8');

// A scenario throws when one of its claims does not hold.
test.each(scenarios)('scenario $name: $summary', async (scenario) => {
  const lines: string[] = [];
  const shown = await play(scenario, stack, (line) => lines.push(line));
  expect(lines.filter((line) => line.startsWith('  ✔'))).toHaveLength(shown);
  expect(shown).toBeGreaterThanOrEqual(3);
  // `npm run scenario -- --record` writes them again.
  expect(recordedIn(concepts, scenario.name)?.map(withoutFigures)).toEqual(lines.map(withoutFigures));
});
