import { expect, test } from '@jest/globals';
import { eventually } from '../eventually.ts';

test('a wait that is over says for what, and what stood in the way', async () => {
  const probe = () => Promise.reject(new Error('the port is closed'));
  const wait = eventually(probe, 0.005, { what: 'a way in', every: 20 });
  await expect(wait).rejects.toThrow(/^a way in: not within 0.005 s: the port is closed$/);
});
