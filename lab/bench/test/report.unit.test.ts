import { expect, test } from '@jest/globals';
import { figure, toMarkdown } from '../markdown.ts';
import { formerMeasurements, measurements } from '../measurements.ts';
import { type Result, rowsOf } from '../result.ts';
import { percentile, ratioOf, summarize } from '../statistics.ts';

test('the median is the middle one, and between two values the mean', () => {
  expect(summarize([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 });
  expect(summarize([4, 1, 2, 3]).median).toBe(2.5);
  expect(() => summarize([])).toThrow('nothing to summarize');
  expect(percentile([1, 2, 3, 4, 5], 0.99)).toBeCloseTo(4.96);
});

test('a machine that becomes slower half way does not show in the ratio', () => {
  expect(ratioOf([100, 50], [200, 100])).toEqual({ median: 0.5, min: 0.5, max: 0.5 });
});

test('figures have three significant digits', () => {
  expect([3049.7, 0.07512, 42, 0, Number.NaN].map(figure)).toEqual(['3,050', '0.0751', '42', '0', '–']);
});

const sample = async () => ({ rate: 1 });
const rows = rowsOf(
  {
    title: '64 connections',
    metrics: [{ name: 'rate', unit: 'orders/s', better: 'more' }],
    subject: { label: 'POST /orders', sample },
    references: [{ label: 'pgbench <2>', sample, goals: { rate: '0.75' } }],
  },
  [
    [{ rate: 30 }, { rate: 50 }],
    [{ rate: 40 }, { rate: 40 }],
  ],
);
const result: Result = {
  measurement: 'intake',
  summary: '',
  quick: true,
  startedAt: '',
  seconds: 1,
  machine: { cpu: '', cores: 2, memoryGiB: 1, system: '', node: '' },
  rows,
  notes: ['a remark'],
};

test('the table has median, spread, ratio and goal, and the remarks below', () => {
  expect(toMarkdown([result])).toBe(`| measurement | | subject | reference | ratio | goal |
| --- | --- | --- | --- | --- | --- |
| intake | 64 connections, rate | POST /orders: 40 (30–50) orders/s | pgbench <2>: 40 (40–40) orders/s | 1 (0.75–1.25) | 0.75 |

- intake: a remark
`);
});

test.each(Object.entries(formerMeasurements))('%s is the former name of %s', (former, name) => {
  const names = measurements.map((each) => each.name);
  expect(names).toContain(name);
  expect(names).not.toContain(former);
});
