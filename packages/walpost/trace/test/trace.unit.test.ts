import { randomUUID } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { walpost } from '../../testing/run-cli.ts';

test('trace says in one line what it was called wrongly with, and what is not set', async () => {
  expect(await walpost(['trace', 'ORDER-1'])).toMatchObject({
    code: 2,
    stderr: 'walpost: "ORDER-1" is no order id: an order id is a UUID\n',
  });
  expect(await walpost(['trace', randomUUID()], { OBSERVER_PASSWORD: '' })).toMatchObject({
    code: 1,
    stdout: '',
    stderr: 'walpost: OBSERVER_PASSWORD is not set; it is the password of the role observer\n',
  });
});
