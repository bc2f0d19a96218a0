import { encode } from '@walpost/kit/contract/codec';
import { contract } from '../../schemas/contract.generated.ts';

/** What every order of the measurements asks for: two items. */
export const ORDER = {
  customerId: 'ada',
  currency: 'EUR',
  items: [
    { sku: 'BOOK-1', quantity: 2, unitPrice: 1250 },
    { sku: 'MUG-1', quantity: 1, unitPrice: 999 },
  ],
};

export const TOTAL = 3499;

/** The event of such an order in the wire format, as the order service would encode it. */
export function orderCreated(orderId: string, schemaId: number): Buffer {
  return encode(schemaId, contract.eventType('OrderCreated'), {
    ...ORDER,
    orderId,
    totalAmount: TOTAL,
    createdAt: Date.now(),
  });
}
