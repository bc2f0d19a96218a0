import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { generateEvents, type SchemaFile } from '../generate-events.ts';
import { readSchemaFiles } from '../read-schema-files.ts';

const folder = fileURLToPath(new URL('../../../../schemas', import.meta.url));

test('contract.generated.ts is what the .avsc files say; if not, run `npm run generate`', () => {
  const committed = readFileSync(`${folder}/contract.generated.ts`, 'utf8');
  expect(generateEvents(readSchemaFiles(folder))).toBe(committed);
});

test('a schema that is in no topic’s folder is refused, and not passed over', () => {
  const schemas = mkdtempSync(join(tmpdir(), 'walpost-schemas-'));
  try {
    writeFileSync(join(schemas, 'A.avsc'), '{}');
    expect(() => readSchemaFiles(schemas)).toThrow(
      'A.avsc: it belongs into a folder that has the name of its topic',
    );
  } finally {
    rmSync(schemas, { recursive: true });
  }
});

const record = (name: string, fields: unknown[], more = {}) => ({
  topic: 'shop-events',
  path: `shop-events/${name}.avsc`,
  schema: { type: 'record', name, namespace: 'shop', fields, ...more },
});

test('every kind of Avro type has its TypeScript type', () => {
  const text = generateEvents([
    record('Everything', [
      { name: 'flag', type: 'boolean' },
      { name: 'maybe', type: ['null', 'string'], default: null },
      { name: 'time', type: { type: 'long', logicalType: 'timestamp-millis' } },
      { name: 'raw', type: 'bytes' },
      { name: 'hash', type: { type: 'fixed', name: 'Hash', size: 4 } },
      { name: 'sizes', type: { type: 'array', items: { type: 'enum', name: 'Size', symbols: ['S', 'L'] } } },
      { name: 'again', type: 'Size' },
      { name: 'counts', type: { type: 'map', values: 'int' } },
      { name: 'lists', type: { type: 'array', items: ['null', 'double'] } },
      { name: 'next', type: ['null', 'Everything'], doc: 'Ends with */ here' },
    ]),
  ]);
  expect(text).toContain(`export interface Everything {
  flag: boolean;
  maybe?: null | string;
  time: number;
  raw: Buffer;
  hash: Buffer;
  sizes: ('S' | 'L')[];
  again: 'S' | 'L';
  counts: Record<string, number>;
  lists: (null | number)[];
  /** Ends with *\\/ here */
  next: null | Everything;
}
`);
});

const line = (fields: unknown[]) => ({ type: 'record', name: 'Line', fields });
const sku = { name: 'sku', type: 'string' };

test('a record that two schemas share is declared once', () => {
  const text = generateEvents([
    record('A', [{ name: 'line', type: line([sku]) }]),
    record('B', [{ name: 'line', type: line([sku]) }]),
  ]);
  expect(text.match(/interface Line/g)).toHaveLength(1);
});

test.each([
  [
    'differing records of one name',
    [record('A', [{ name: 'l', type: line([sku]) }]), record('B', [{ name: 'l', type: line([]) }])],
    'shop-events/B.avsc: record shop.Line differs from shop.Line in shop-events/A.avsc',
  ],
  [
    'an unknown type',
    [record('A', [{ name: 'x', type: 'text' }])],
    'shop-events/A.avsc: undefined type name',
  ],
  [
    'a wrong default',
    [record('A', [{ name: 'x', type: 'int', default: 'one' }])],
    'incompatible field default',
  ],
  [
    'a union that plain values cannot express',
    [record('A', [{ name: 'x', type: ['int', 'double'] }])],
    'ambiguous unwrapped union',
  ],
  [
    'a logical type beside the type',
    [record('A', [{ name: 'x', type: 'long', logicalType: 'timestamp-millis' }])],
    'shop-events/A.avsc: field x: "logicalType" belongs into its type',
  ],
  ...[
    { type: 'int', logicalType: 'timestamp-millis' },
    ['null', { type: 'long', logicalType: 'date' }],
    { type: 'array', items: { type: 'int', logicalType: 'uuid' } },
    { type: 'map', values: { type: 'string', logicalType: 'decimal' } },
    {
      type: 'record',
      name: 'Part',
      fields: [{ name: 'x', type: { type: 'int', logicalType: 'time-micros' } }],
    },
  ].map(
    (type) =>
      [
        `${JSON.stringify(type)}, which every reader takes without its logical type`,
        [record('A', [{ name: 'x', type }])],
        'shop-events/A.avsc: field x: a ',
      ] as [string, SchemaFile[], string],
  ),
  [
    'a record in the wrong file',
    [{ ...record('A', []), path: 'shop-events/Z.avsc' }],
    'shop-events/Z.avsc: the record shop.A belongs into shop-events/A.avsc',
  ],
  [
    'one name in two topics',
    [record('A', []), { ...record('A', []), topic: 'other', path: 'other/A.avsc' }],
    'other/A.avsc: another topic has an event A',
  ],
  ['no record', [{ topic: 't', path: 't/x.avsc', schema: 'string' }], 'an event is a record'],
])('refuses %s', (_, files, message) => {
  expect(() => generateEvents(files)).toThrow(message);
});
