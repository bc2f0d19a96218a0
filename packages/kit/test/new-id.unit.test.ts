import { expect, test } from '@jest/globals';
import { validate, version } from 'uuid';
import { newId } from '../new-id.ts';

const TIME = new Date('2026-01-02T03:04:05.678Z');

test('an id is a UUID of version 7 that begins with its time', () => {
  const id = newId(TIME);
  expect([validate(id), version(id)]).toEqual([true, 7]);
  expect(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)).toBe(TIME.getTime());
});

test('ids of one process are all different, and sort as they were made, within a millisecond too', () => {
  const ids = [TIME, new Date(TIME.getTime() + 1), new Date(TIME.getTime() + 2)].flatMap((time) =>
    Array.from({ length: 1_000 }, () => newId(time)),
  );
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids).toEqual(ids.toSorted());
});

test('ids of one millisecond differ in their random part, not in the count alone', () => {
  const tails = Array.from({ length: 1_000 }, () => newId(TIME).slice(-10));
  expect(new Set(tails).size).toBe(tails.length);
});
