import { afterEach, expect, jest, test } from '@jest/globals';
import { listOfScenarios, run } from '../run.ts';
import { scenarios } from '../scenarios.ts';

const said = jest.spyOn(console, 'error').mockImplementation(() => undefined);
afterEach(() => {
  said.mockClear();
  process.exitCode = undefined;
});

test('each scenario is listed on one line', () => {
  const lines = listOfScenarios().split('\n').slice(2, -2);
  expect(lines).toHaveLength(scenarios.length);
  for (const [at, { name, summary }] of scenarios.entries()) {
    expect(lines[at]).toMatch(new RegExp(`^  npm run scenario ${name} +${summary}$`));
  }
});

test.each([
  [['nope'], 'There is no scenario nope. Choose one of: broadcast, '],
  [['ordering', 'retention'], 'One scenario at a time: npm run scenario ordering'],
  [['ordering', '--guess'], '--guess asks on a terminal, and this is none.'],
])('%j is refused in one line', async (args, line) => {
  await run(args);
  expect(said).toHaveBeenCalledTimes(1);
  expect(said.mock.calls[0]?.[0]).toContain(line);
  expect(process.exitCode).toBe(1);
});
