import { expect, test } from '@jest/globals';
import { contract } from '../../../../schemas/contract.generated.ts';
import { createOutboxEncoder } from '../outbox.ts';

const encode = createOutboxEncoder(contract, '/test', () => 1);
const data = { orderId: 'a', customerId: 'c', currency: 'EUR', totalAmount: 1, confirmedAt: 1 };

/** Encodes an event whose key and version are columns of a row, which the compiler does not know. */
const write = ({ key, version }: Record<string, unknown>) =>
  encode(
    { type: 'OrderConfirmed', data },
    { aggregateId: key as string, version: version as number, traceparent: 't', time: new Date() },
  );

test.each([
  [{ version: 1 }, 'its key is undefined, and must be a text'],
  [{ key: 7, version: 1 }, 'its key is 7, and must be a text'],
  [{ key: 'a' }, 'its version is undefined, and must be a whole number from 1 on'],
  [{ key: 'a', version: 0 }, 'its version is 0, and must be a whole number from 1 on'],
  [{ key: 'a', version: 1.5 }, 'its version is 1.5, and must be a whole number from 1 on'],
  [{ key: 'a', version: '2' }, 'its version is 2, and must be a whole number from 1 on'],
])('an event of %j is refused', (row, message) => {
  expect(() => write(row)).toThrow(`OrderConfirmed: ${message}`);
});

test('one with a key and a version is a row', () => {
  expect(write({ key: 'a', version: 2 })).toMatchObject({ aggregateid: 'a', aggregateversion: 2 });
});
