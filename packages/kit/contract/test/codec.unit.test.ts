import { expect, jest, test } from '@jest/globals';
import avro, { type Type } from 'avsc';
import { contract } from '../../../../schemas/contract.generated.ts';
import { createDecoder, encode } from '../codec.ts';
import type { EventName } from '../contract.ts';
import { CodecError, type CodecErrorCode, RegistryError } from '../errors.ts';
import { orderCreated, stockRejected } from './events.ts';

/** A registry of the schemas that are given, under the ids 1, 2, 3 … */
function registryOf(...schemas: unknown[]) {
  const found = schemas.map((schema) => avro.Type.forSchema(structuredClone(schema) as avro.Schema));
  return {
    schemaOf: jest.fn(async (id: number): Promise<Type> => {
      const type = found[id - 1];
      if (!type) throw new RegistryError('not-found', `Schema ${id} not found`);
      return type;
    }),
  };
}

const schemaOf = (name: EventName) => contract.eventType(name).schema;
const plain = (value: unknown) => JSON.parse(JSON.stringify(value));

async function failure(work: () => unknown): Promise<CodecError> {
  try {
    await work();
  } catch (error) {
    if (error instanceof CodecError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

test('the bytes are the wire format, and any Avro library reads them', () => {
  const bytes = encode(0x01020304, contract.eventType('OrderCreated'), orderCreated);
  expect([...bytes.subarray(0, 5)]).toEqual([0, 1, 2, 3, 4]);
  expect(plain(avro.Type.forSchema(schemaOf('OrderCreated')).fromBuffer(bytes.subarray(5)))).toEqual(
    orderCreated,
  );
});

test('an event larger than the scratch buffer is encoded whole, and so is a small one after it', async () => {
  const items = Array.from({ length: 5000 }, (_, n) => ({ sku: `SKU-${n}`, quantity: 1, unitPrice: n }));
  const decoder = createDecoder({ contract, registry: registryOf(schemaOf('OrderCreated')) });
  const large = { ...orderCreated, items };
  const bytes = encode(1, contract.eventType('OrderCreated'), large);
  const small = encode(1, contract.eventType('OrderCreated'), orderCreated);
  expect(plain((await decoder.decode(bytes)).data)).toEqual(large);
  expect(plain((await decoder.decode(small)).data)).toEqual(orderCreated);
});

test('an encoded event is not changed by the next one', () => {
  const first = encode(1, contract.eventType('StockRejected'), stockRejected);
  const copy = Buffer.from(first);
  encode(2, contract.eventType('StockRejected'), { ...stockRejected, reason: 'other' });
  expect(first.equals(copy)).toBe(true);
});

test.each([
  ['a missing field', { currency: undefined }, 'OrderCreated: currency is missing, not a valid string'],
  [
    'a wrong type in a list',
    { items: [{ sku: 'A', quantity: 1.5, unitPrice: 1 }] },
    'items.0.quantity is 1.5',
  ],
  ['a number beyond 2^53', { totalAmount: 2 ** 53 }, 'totalAmount is 9007199254740992, not a valid long'],
  ['a bigint', { totalAmount: 1n }, 'totalAmount is 1n'],
  ['NaN', { createdAt: Number.NaN }, 'createdAt'],
])('encode refuses %s and names the field', async (_, change, message) => {
  const data = { ...orderCreated, ...change } as typeof orderCreated;
  const error = await failure(() => encode(1, contract.eventType('OrderCreated'), data));
  expect(error).toMatchObject({ code: 'invalid-data', retryable: false });
  expect(error.message).toContain(message);
});

test.each([0, -1, 1.5, 2 ** 31, Number.NaN])('encode refuses %d as a schema id', async (id) => {
  const error = await failure(() => encode(id, contract.eventType('OrderCreated'), orderCreated));
  expect(error.message).toBe(`${id} is not a schema id`);
});

test('a schema id is asked for once, even by events that come at the same time', async () => {
  const registry = registryOf(schemaOf('StockRejected'));
  const decoder = createDecoder({ contract, registry });
  const bytes = encode(1, contract.eventType('StockRejected'), stockRejected);
  const events = await Promise.all([decoder.decode(bytes), decoder.decode(bytes), decoder.decode(bytes)]);
  expect(plain(events)).toEqual(Array(3).fill({ type: 'StockRejected', data: stockRejected }));
  expect(registry.schemaOf).toHaveBeenCalledTimes(1);
  expect(decoder.decode(bytes)).not.toBeInstanceOf(Promise);
});

test('an older and a newer writer are read as our own version', async () => {
  const { fields, ...rest } = schemaOf('StockRejected') as { fields: { name: string }[] };
  const newer = { ...rest, fields: [{ name: 'warehouse', type: 'string' }, ...fields] };
  const older = { ...rest, fields: fields.map((f) => (f.name === 'rejectedAt' ? { ...f, type: 'int' } : f)) };
  const decoder = createDecoder({ contract, registry: registryOf(newer, older) });
  const write = (id: number, schema: unknown, data: unknown) =>
    Buffer.concat([Buffer.from([0, 0, 0, 0, id]), avro.Type.forSchema(schema as avro.Schema).toBuffer(data)]);

  const fromNewer = await decoder.decode(write(1, newer, { ...stockRejected, warehouse: 'north' }));
  expect(plain(fromNewer.data)).toEqual(stockRejected);
  const fromOlder = await decoder.decode(write(2, older, { ...stockRejected, rejectedAt: 7 }));
  expect(plain(fromOlder.data)).toEqual({ ...stockRejected, rejectedAt: 7 });
});

const good = encode(1, contract.eventType('StockRejected'), stockRejected);
const { name: _, ...incompatible } = schemaOf('StockRejected') as { name: string };
const registered = [
  schemaOf('StockRejected'),
  { type: 'record', name: 'other.Thing', fields: [] },
  { ...incompatible, name: 'StockRejected', fields: [] },
  'string',
];
const withId = (id: number) => Buffer.concat([Buffer.from([0, 0, 0, 0, id]), good.subarray(5)]);

test.each<[string, Buffer, CodecErrorCode]>([
  ['no bytes', Buffer.alloc(0), 'truncated'],
  ['half a header', Buffer.from([0, 0, 0]), 'truncated'],
  ['JSON', Buffer.from('{"a":1}'), 'bad-magic-byte'],
  ['a cut body', good.subarray(0, -3), 'truncated'],
  ['no body', good.subarray(0, 5), 'truncated'],
  ['a byte too many', Buffer.concat([good, Buffer.from([0])]), 'trailing-bytes'],
  ['an id nobody registered', withId(9), 'unknown-schema-id'],
  ['a type that is not in the contract', withId(2), 'unknown-type'],
  ['a schema that is no record', withId(4), 'unknown-type'],
  ['a version that lacks our fields', withId(3), 'incompatible-schema'],
  ['a negative length', Buffer.from([0, 0, 0, 0, 1, 1]), 'invalid-data'],
  ['a length without end', Buffer.from([0, 0, 0, 0, 1, ...Array(11).fill(0xff)]), 'invalid-data'],
])('decode refuses %s', async (_, bytes, code) => {
  const decoder = createDecoder({ contract, registry: registryOf(...registered) });
  for (const attempt of ['first', 'with the schema known']) {
    const error = await failure(() => decoder.decode(bytes));
    expect({ attempt, code: error.code, retryable: error.retryable }).toEqual({
      attempt,
      code,
      retryable: false,
    });
  }
});

test('a long beyond 2^53 is refused, not rounded', async () => {
  const decoder = createDecoder({ contract, registry: registryOf(schemaOf('StockRejected')) });
  const huge = Buffer.from('feffffffffffffffff01', 'hex');
  const end = good.length - avro.Type.forSchema('long').toBuffer(stockRejected.rejectedAt).length;
  const error = await failure(() => decoder.decode(Buffer.concat([good.subarray(0, end), huge])));
  expect(error).toMatchObject({ code: 'invalid-data', message: 'StockRejected: potential precision loss' });
});

test('a registry that is away is worth another try, and the next try succeeds', async () => {
  const registry = registryOf(schemaOf('StockRejected'));
  registry.schemaOf.mockRejectedValueOnce(new RegistryError('unavailable', 'connect ECONNREFUSED'));
  const decoder = createDecoder({ contract, registry });
  const error = await failure(() => decoder.decode(good));
  expect(error).toMatchObject({ code: 'registry-unavailable', retryable: true });
  expect(error.cause).toBeInstanceOf(RegistryError);
  expect((await decoder.decode(good)).type).toBe('StockRejected');
});

test('a schema that is not Avro is refused for good', async () => {
  const registry = registryOf();
  registry.schemaOf.mockRejectedValueOnce(new RegistryError('not-avro', 'schema id 1 is not an Avro schema'));
  const error = await failure(() => createDecoder({ contract, registry }).decode(good));
  expect(error).toMatchObject({ code: 'incompatible-schema', retryable: false });
});
