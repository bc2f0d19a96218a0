import { expect, test } from '@jest/globals';
import { cachedLagProbe } from '../cached-lag-probe.ts';
import type { Unread } from '../probe-lag.ts';
import type { Place } from '../topic-reader.ts';

const place = (from: number, end: number): Place => ({
  topic: 't',
  partition: 0,
  from: BigInt(from),
  end: BigInt(end),
});

test('it looks again only where something has moved', async () => {
  const asked: string[] = [];
  let answer: Unread = { timestamp: 1 };
  const probe = cachedLagProbe(async (places) => {
    asked.push(places.map(({ from, end }) => `${from}-${end}`).join());
    return new Map(places.map(() => ['t/0', answer]));
  });
  expect(await probe([place(5, 8)])).toEqual(new Map([['t/0', { timestamp: 1 }]]));
  // More was written behind the same oldest unread record.
  await probe([place(5, 9)]);
  answer = 'nothing';
  expect(await probe([place(9, 10)])).toEqual(new Map([['t/0', 'nothing']]));
  await probe([place(9, 10)]);
  // Where only a marker was, something may be by now.
  await probe([place(9, 12)]);
  expect(asked).toEqual(['5-8', '', '9-10', '', '9-12']);
});
