import { expect, test } from '@jest/globals';
import avro from 'avsc';
import { contract } from '../../../../schemas/contract.generated.ts';
import { createDecoder, encode } from '../codec.ts';
import { CodecError } from '../errors.ts';
import { createWireCheck } from '../wire-check.ts';
import { orderCreated } from './events.ts';

const list = { type: 'array', items: 'string' } as const;
const bytes = (...values: number[]) => Buffer.from(values);

function codeOf(schema: unknown, buffer: Buffer): string {
  try {
    createWireCheck(schema)(buffer, 0);
    return 'ok';
  } catch (error) {
    if (error instanceof CodecError) return error.code;
    throw error;
  }
}

test.each<[string, unknown, Buffer, string]>([
  ['a list', list, bytes(4, 2, 97, 2, 98, 0), 'ok'],
  ['a block with its size', list, bytes(3, 8, 2, 97, 2, 98, 0), 'ok'],
  ['a block with a wrong size', list, bytes(3, 6, 2, 97, 2, 98, 0), 'invalid-data'],
  // avsc alone would skip backwards over this block for ever.
  ['a block with a negative size', list, bytes(1, 5, 2, 97, 0), 'invalid-data'],
  // avsc alone would make a list of 2^31 entries.
  ['a huge count', list, bytes(0xfe, 0xff, 0xff, 0xff, 0x1f, 0), 'truncated'],
  [
    'a huge count of nothings',
    { type: 'array', items: 'null' },
    bytes(0xfe, 0xff, 0xff, 0x0f, 0),
    'truncated',
  ],
  ['a huge length', 'string', bytes(0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f), 'truncated'],
  ['a list that does not end', list, bytes(2, 2, 97), 'truncated'],
  ['a map', { type: 'map', values: 'int' }, bytes(2, 2, 97, 6, 0), 'ok'],
  ['a map cut in its value', { type: 'map', values: 'double' }, bytes(2, 2, 97, 6, 0), 'truncated'],
  ['a union branch', ['null', 'int'], bytes(2, 6), 'ok'],
  ['an unknown union branch', ['null', 'int'], bytes(4, 6), 'invalid-data'],
  ['an unknown symbol', { type: 'enum', name: 'E', symbols: ['A'] }, bytes(2), 'invalid-data'],
  ['a boolean', 'boolean', bytes(1), 'ok'],
  ['a boolean of 2', 'boolean', bytes(2), 'invalid-data'],
  ['an int', 'int', bytes(0xff, 0xff, 0xff, 0xff, 0x0f), 'ok'],
  ['an int of 33 bits', 'int', bytes(0xfe, 0xff, 0xff, 0xff, 0x1f), 'invalid-data'],
  ['a fixed', { type: 'fixed', name: 'F', size: 2 }, bytes(1, 2), 'ok'],
  ['a fixed cut', { type: 'fixed', name: 'F', size: 2 }, bytes(1), 'truncated'],
  ['bytes behind a float', 'float', bytes(0, 0, 0, 0, 0), 'trailing-bytes'],
])('%s', (_, schema, buffer, code) => {
  expect(codeOf(schema, buffer)).toBe(code);
});

test('a recursive schema', () => {
  const node = { type: 'record', name: 'Node', fields: [{ name: 'next', type: ['null', 'Node'] }] };
  expect(codeOf(node, bytes(2, 2, 0))).toBe('ok');
  expect(codeOf(node, bytes(2, 2))).toBe('truncated');
});

/** A fixed sequence of numbers, so that a failure can be repeated. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

test('10,000 damaged events end in an event or a CodecError, in little time', async () => {
  const event = contract.eventType('OrderCreated');
  // The writer has a list that the reader skips: skipping is where avsc can be made to go backwards.
  const writer = avro.Type.forSchema({
    ...(event.schema as avro.schema.RecordType),
    fields: [{ name: 'tags', type: list }, ...(event.schema as avro.schema.RecordType).fields],
  });
  const types = [event.type, writer];
  const decoder = createDecoder({
    contract,
    registry: { schemaOf: async (id) => types[id - 1] ?? event.type },
  });
  const own = encode(1, event, orderCreated);
  const other = Buffer.concat([bytes(0, 0, 0, 0, 2), writer.toBuffer({ ...orderCreated, tags: ['a', 'b'] })]);
  await Promise.all([decoder.decode(own), decoder.decode(other)]);

  const pick = random(20260101);
  const started = performance.now();
  const outcomes = { read: 0, refused: 0 };
  for (let round = 0; round < 10_000; round++) {
    let damaged = Buffer.from(pick(2) === 0 ? own : other);
    for (let changes = 1 + pick(4); changes > 0; changes--) {
      const at = 5 + pick(damaged.length - 5);
      const kind = pick(4);
      if (kind === 0) damaged = damaged.subarray(0, Math.max(6, at));
      else if (kind === 1)
        damaged = Buffer.concat([
          damaged.subarray(0, at),
          bytes(0xff, 0xff, 0xff, 0xff, 0x7f),
          damaged.subarray(at),
        ]);
      else damaged[at] = pick(256);
    }
    try {
      await decoder.decode(damaged);
      outcomes.read++;
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      outcomes.refused++;
    }
  }
  expect(outcomes.read + outcomes.refused).toBe(10_000);
  expect(outcomes.read).toBeGreaterThan(100);
  expect(outcomes.refused).toBeGreaterThan(5000);
  expect(performance.now() - started).toBeLessThan(10_000);
});
