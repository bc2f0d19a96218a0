import { expect, test } from '@jest/globals';
import { contract } from '../../../../schemas/contract.generated.ts';
import { createOutboxEncoder } from '../outbox.ts';

test('an event without a key is refused: the driver would write the word undefined', () => {
  const encode = createOutboxEncoder(contract, '/test', () => 1);
  const row: Record<string, unknown> = { id: 'a' };
  const write = (column: string) =>
    encode(
      {
        type: 'OrderConfirmed',
        data: { orderId: 'a', customerId: 'c', currency: 'EUR', totalAmount: 1, confirmedAt: 1 },
      },
      { aggregateId: row[column] as string, version: 1, traceparent: 't', time: new Date() },
    );
  expect(write('id').aggregateid).toBe('a');
  expect(() => write('order_id')).toThrow('OrderConfirmed: its key is undefined, and must be a text');
});
