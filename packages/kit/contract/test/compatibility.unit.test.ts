import { expect, test } from '@jest/globals';
import avro from 'avsc';
import { contract } from '../../../../schemas/contract.generated.ts';
import { compare } from '../compatibility.ts';

const record = (fields: unknown[], more = {}) => ({
  type: 'record',
  name: 'Order',
  namespace: 'shop',
  fields,
  ...more,
});
const id = { name: 'id', type: 'string' };
const of = (type: unknown) => record([id, { name: 'x', type }]);
const size = (symbols: string[], more = {}) => of({ type: 'enum', name: 'Size', symbols, ...more });
const fixed = (bytes: number, more = {}) => of({ type: 'fixed', name: 'Hash', size: bytes, ...more });
const line = (fields: unknown[]) => of({ type: 'array', items: { type: 'record', name: 'Line', fields } });
const node = (fields: unknown[]) => record([{ name: 'next', type: ['null', 'Order'] }, ...fields]);
const optional = { name: 'note', type: ['null', 'string'], default: null };

/** Old schema, new schema, and what is to be said of the change. */
const CASES: [string, unknown, unknown, string[]][] = [
  ['nothing changed', of('int'), of('int'), []],
  ['field added with a default', record([id]), record([id, optional]), []],
  ['field removed that had a default', record([id, optional]), record([id]), []],
  [
    'field added without a default',
    record([id]),
    of('int'),
    ['Order.x: added without a default: the new schema cannot read data of version 2'],
  ],
  [
    'field removed that had no default',
    of('int'),
    record([id]),
    ['Order.x: removed without a default in version 2: a reader of version 2 cannot read new data'],
  ],
  [
    'type changed',
    of('int'),
    of('string'),
    [
      'Order.x: type changed from int to string: the new schema cannot read data of version 2, nor a reader of version 2 new data',
    ],
  ],
  [
    'promotion int to long',
    of('int'),
    of('long'),
    ['Order.x: type changed from int to long: a reader of version 2 cannot read new data'],
  ],
  [
    'demotion double to float',
    of('double'),
    of('float'),
    ['Order.x: type changed from double to float: the new schema cannot read data of version 2'],
  ],
  ['string and bytes read each other', of('string'), of('bytes'), []],
  [
    'field renamed without an alias',
    of('int'),
    record([id, { name: 'y', type: 'int' }]),
    [
      'Order.y: added without a default: the new schema cannot read data of version 2',
      'Order.x: removed without a default in version 2: a reader of version 2 cannot read new data',
    ],
  ],
  [
    'field renamed with an alias',
    of('int'),
    record([id, { name: 'y', type: 'int', aliases: ['x'] }]),
    ['Order.x: removed without a default in version 2: a reader of version 2 cannot read new data'],
  ],
  [
    'an alias that fits two fields',
    record([id, { name: 'x', type: 'int', default: 1 }]),
    record([{ ...id, aliases: ['x'] }]),
    ['Order.id: its name and aliases fit both id and x: the new schema cannot read data of version 2'],
  ],
  [
    'symbol added',
    size(['S']),
    size(['S', 'GOLD']),
    [
      'Order.x: symbol GOLD added, and the enum has no default in version 2: a reader of version 2 cannot read new data',
    ],
  ],
  [
    'symbol added to an enum with a default',
    size(['S'], { default: 'S' }),
    size(['S', 'L'], { default: 'S' }),
    [],
  ],
  [
    'symbols removed',
    size(['S', 'M', 'L']),
    size(['S']),
    [
      'Order.x: symbols M, L removed from an enum without a default: the new schema cannot read data of version 2',
    ],
  ],
  ['symbols in another order', size(['S', 'L']), size(['L', 'S']), []],
  [
    'union branch added',
    of(['null', 'int']),
    of(['null', 'int', 'string']),
    [
      'Order.x: string is new among the types ([null, int] in version 2): a reader of version 2 cannot read new data',
    ],
  ],
  [
    'union branch removed',
    of(['null', 'int']),
    of('int'),
    ['Order.x: type changed from null to int: the new schema cannot read data of version 2'],
  ],
  [
    'made optional',
    of('int'),
    of(['null', 'int']),
    ['Order.x: type changed from int to null: a reader of version 2 cannot read new data'],
  ],
  ['union branches in another order', of(['null', 'int']), of(['int', 'null']), []],
  [
    'union branch promoted',
    of(['null', 'int']),
    of(['null', 'long']),
    [
      'Order.x: long is new among the types ([null, int] in version 2): a reader of version 2 cannot read new data',
    ],
  ],
  [
    'record renamed',
    record([id]),
    record([id], { name: 'Purchase' }),
    [
      'Purchase: name changed from shop.Order to shop.Purchase without an alias: the new schema cannot read data of version 2, nor a reader of version 2 new data',
    ],
  ],
  [
    'record renamed with an alias',
    record([id]),
    record([id], { name: 'Purchase', aliases: ['Order'] }),
    [
      'Purchase: name changed from shop.Order to shop.Purchase without an alias: a reader of version 2 cannot read new data',
    ],
  ],
  [
    'field of a nested record',
    line([id, { name: 'quantity', type: 'int' }]),
    line([id]),
    [
      'Order.x[].quantity: removed without a default in version 2: a reader of version 2 cannot read new data',
    ],
  ],
  [
    'values of a map',
    of({ type: 'map', values: 'long' }),
    of({ type: 'map', values: 'int' }),
    ['Order.x{}: type changed from long to int: the new schema cannot read data of version 2'],
  ],
  [
    'array made a map',
    of({ type: 'array', items: 'int' }),
    of({ type: 'map', values: 'int' }),
    [
      'Order.x: type changed from array of int to map of int: the new schema cannot read data of version 2, nor a reader of version 2 new data',
    ],
  ],
  [
    'size of a fixed',
    fixed(16),
    fixed(8),
    [
      'Order.x: size changed from 16 to 8: the new schema cannot read data of version 2, nor a reader of version 2 new data',
    ],
  ],
  ['recursive, unchanged', node([]), node([]), []],
  [
    'recursive, field added',
    node([]),
    node([id]),
    ['Order.id: added without a default: the new schema cannot read data of version 2'],
  ],
];

test.each(CASES)('%s', (_, before, after, messages) => {
  expect(compare(before, after, 'version 2').map(({ message }) => message)).toEqual(messages);
});

function reads(reader: unknown, writer: unknown): boolean {
  const type = (schema: unknown) => avro.Type.forSchema(structuredClone(schema) as avro.Schema);
  try {
    type(reader).createResolver(type(writer));
    return true;
  } catch {
    return false;
  }
}

const hurts = (direction: 'backward' | 'forward', before: unknown, after: unknown) =>
  compare(before, after).some((found) => found.direction === direction || found.direction === 'both');

test.each(CASES)('avsc agrees, both ways and the other way round: %s', (_, a, b) => {
  for (const [before, after] of [
    [a, b],
    [b, a],
  ]) {
    expect(hurts('backward', before, after)).toBe(!reads(after, before));
    expect(hurts('forward', before, after)).toBe(!reads(before, after));
  }
});

const PRIMITIVES = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'];
test.each(PRIMITIVES)('avsc agrees on what reads %s', (writer) => {
  const readers = [...PRIMITIVES, ['null', 'long'], ['string', 'double'], ['null', 'string']];
  for (const reader of readers) {
    expect({ reader, ok: !hurts('backward', of(writer), of(reader)) }).toEqual({
      reader,
      ok: reads(of(reader), of(writer)),
    });
  }
});

test('a changed logical type is a violation, though the bytes resolve; adding or removing one is none', () => {
  const time = (logicalType: string) => of({ type: 'long', logicalType });
  expect(compare(time('timestamp-millis'), time('timestamp-micros'))).toMatchObject([
    { path: 'Order.x', rule: 'logical-type', direction: 'both' },
  ]);
  expect(compare(time('timestamp-millis'), of('long'))).toEqual([]);
  const money = (scale: number) => of({ type: 'bytes', logicalType: 'decimal', precision: 9, scale });
  expect(compare(money(2), money(3))[0]?.change).toBe(
    'logical type changed from decimal(9, 2) to decimal(9, 3)',
  );
});

test('our own schemas are compatible with themselves; what is no schema is refused', () => {
  for (const { schema } of contract.eventTypes) expect(compare(schema, schema)).toEqual([]);
  expect(() => compare({ type: 'recrod' }, 'int')).toThrow('unknown type');
});
