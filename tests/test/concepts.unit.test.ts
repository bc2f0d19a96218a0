import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { root } from 'walpost/stack/paths';
import { scenarios } from '../../lab/scenarios/scenarios.ts';

test.each([
  ['the console', 'packages/walpost/console/web/concept-list.ts', /scenario: '([^']+)'/g],
  ['the course', 'docs/concepts.md', /^`npm run scenario ([^`]+)`$/gm],
])('%s leads to each scenario, in one order', (_who, path, pattern) => {
  const found = [...readFileSync(join(root, path), 'utf8').matchAll(pattern)].map(([, name]) => name);
  expect(found).toEqual(scenarios.map(({ name }) => name));
});
