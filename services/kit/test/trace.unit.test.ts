import { expect, test } from '@jest/globals';
import { childTraceparent } from '../trace.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';

test('a child keeps trace id and flags, and has a span id of its own', () => {
  const child = childTraceparent(`00-${TRACE}-00f067aa0ba902b7-00`);
  expect(child).toMatch(new RegExp(`^00-${TRACE}-[0-9a-f]{16}-00$`));
  expect(child).not.toContain('00f067aa0ba902b7');
});

test.each([
  undefined,
  '',
  'garbage',
  `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
  `00-${TRACE}-${'0'.repeat(16)}-01`,
  `ff-${TRACE}-00f067aa0ba902b7-01`,
])('%j begins a new trace', (parent) => {
  const child = childTraceparent(parent);
  expect(child).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  expect(child).not.toContain(TRACE);
});
