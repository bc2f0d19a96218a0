import { expect, test } from '@jest/globals';
import { eventually } from '../eventually.js';

test('a wait that is over says for what, and what stood in the way last', async () => {
  let calls = 0;
  const probe = async () => {
    if (++calls > 1) throw new Error('the door is shut');
    return undefined;
  };
  const wait = eventually(probe, 0.005, { what: 'a way in', every: 20 });
  await expect(wait).rejects.toThrow(/^a way in: not within 0.005 s: the door is shut$/);
  expect(calls).toBe(2);
});
