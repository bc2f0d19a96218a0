import { expect, test } from '@jest/globals';
import { alterationsOf } from '../alter-tables.ts';

const columns = [
  { name: 'currency', type: 'text' },
  { name: 'version', type: 'int4' },
  { name: 'total', type: 'int8' },
];

test('a table gets a column, wider types and an index that locks nobody out, and each statement can be run again', () => {
  expect(alterationsOf({ name: 'orders', partitioned: false, columns }, 7)).toEqual([
    'alter table orders add column if not exists lab_7 text',
    'alter table orders alter column currency type varchar, alter column version type bigint',
    'drop index concurrently if exists lab_7_orders',
    'create index concurrently lab_7_orders on orders (lab_7)',
    'analyze orders',
  ]);
});

test('a second migration has types to change as well', () => {
  const [, types] = alterationsOf(
    { name: 'orders', partitioned: false, columns: [{ name: 'currency', type: 'varchar' }] },
    8,
  );
  expect(types).toBe('alter table orders alter column currency type text');
});

test('a partitioned table gets no index, and one without text no other type', () => {
  expect(alterationsOf({ name: 'outbox', partitioned: true, columns: [] }, 7)).toEqual([
    'alter table outbox add column if not exists lab_7 text',
    'analyze outbox',
  ]);
});
