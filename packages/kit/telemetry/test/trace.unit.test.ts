import { expect, test } from '@jest/globals';
import { childTraceparent } from '../trace.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';

test('a trace is handed on as it came, sampled or not', () => {
  for (const flags of ['00', '01']) {
    const parent = `00-${TRACE}-00f067aa0ba902b7-${flags}`;
    expect(childTraceparent(parent)).toBe(parent);
  }
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
  expect(child).not.toContain('0'.repeat(16));
});
