import { expect, test } from '@jest/globals';
import { sequenceAnomalies } from '../sequence-anomalies.ts';

const at = (key: string, version: number) => ({ key, version });

test('a history that goes on is nothing to report', () => {
  expect(sequenceAnomalies(new Map([['a', 2]]), [at('a', 3), at('b', 1), at('a', 4), at('b', 2)])).toEqual(
    [],
  );
});

test('a gap is reported once, and the history goes on from there', () => {
  expect(sequenceAnomalies(new Map([['a', 1]]), [at('a', 4), at('a', 5)])).toEqual([
    { kind: 'gap', key: 'a', last: 1, version: 4 },
  ]);
});

test('a first event that is not the first is a gap', () => {
  expect(sequenceAnomalies(new Map(), [at('a', 2)])).toEqual([
    { kind: 'gap', key: 'a', last: 0, version: 2 },
  ]);
});

test('a step back does not lower what was seen', () => {
  expect(sequenceAnomalies(new Map([['a', 5]]), [at('a', 3), at('a', 6)])).toEqual([
    { kind: 'regression', key: 'a', last: 5, version: 3 },
  ]);
});
