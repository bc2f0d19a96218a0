import { expect, test } from '@jest/globals';
import { encode } from '@walpost/kit/contract/codec';
import { RegistryError } from '@walpost/kit/contract/errors';
import type { Registry } from '@walpost/kit/contract/registry';
import avro, { type Type } from 'avsc';
import { contract } from '../../../../schemas/contract.generated.ts';
import { decodeDeadLetter, schemaIdOf } from '../decode-dead-letter.ts';
import { hexDump } from '../hex-dump.ts';

const created = contract.eventType('OrderCreated');
const order = { orderId: 'o', customerId: 'ada', currency: 'EUR', items: [], totalAmount: 5, createdAt: 1 };
const good = encode(7, created, order);

/** A registry that knows one schema under every id. */
function registryOf(type: Type | Error): Registry {
  const schemaOf = async () => {
    if (type instanceof Error) throw type;
    return type;
  };
  return { schemaOf } as unknown as Registry;
}

test('what the contract can read is shown in its words', async () => {
  expect(await decodeDeadLetter(contract, registryOf(created.type), good)).toMatchObject({
    by: 'contract',
    type: 'OrderCreated',
    data: { orderId: 'o', totalAmount: 5 },
  });
});

test('what the contract does not know is shown as its writer wrote it, with the reason', async () => {
  const foreign = avro.Type.forSchema({
    type: 'record',
    name: 'shop.Other',
    fields: [{ name: 'a', type: 'int' }],
  });
  const value = Buffer.concat([good.subarray(0, 5), foreign.toBuffer({ a: 3 })]);
  const decoded = await decodeDeadLetter(contract, registryOf(foreign), value);
  expect(decoded).toMatchObject({ by: 'writer', type: 'shop.Other', data: { a: 3 } });
  expect(decoded.problem).toContain('shop.Other');
});

test.each<[string, Buffer | null, Type | Error, RegExp]>([
  ['cut bytes', good.subarray(0, 8), created.type, /ends after 8 bytes/],
  ['no value', null, created.type, /no value/],
  ['another format', Buffer.from('{"a":1}'), created.type, /not the wire format/],
  ['a registry that is away', good, new RegistryError('unavailable', 'connect ECONNREFUSED'), /ECONNREFUSED/],
  ['an unknown id', good, new RegistryError('not-found', 'no such id'), /schema id 7 is not in the registry/],
])('%s: not decoded, and the reason is given', async (_, value, registry, problem) => {
  const decoded = await decodeDeadLetter(contract, registryOf(registry), value);
  expect(Object.keys(decoded)).toEqual(['problem']);
  expect(decoded.problem).toMatch(problem);
});

test('a schema id is read from the wire format only', () => {
  expect(schemaIdOf(good)).toBe(7);
  expect(schemaIdOf(good.subarray(0, 4))).toBeUndefined();
  expect(schemaIdOf(Buffer.from('12345678'))).toBeUndefined();
});

test('a hex dump shows offset, bytes and text, and how much it leaves out', () => {
  const bytes = Buffer.concat([Buffer.from('0123456789abcdef'), Buffer.from([0, 0x1b, 0x41])]);
  expect(hexDump(bytes, 18)).toEqual([
    '00000000  30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66  0123456789abcdef',
    `00000010  00 1b${' '.repeat(42)}  ..`,
    '… 1 more bytes; --json has them all',
  ]);
  expect(hexDump(Buffer.alloc(0), 18)).toEqual([]);
});
