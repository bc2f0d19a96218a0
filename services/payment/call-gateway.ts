import type { PaymentGateway } from './gateway.ts';
import type { PaymentInput } from './payment.ts';
import type { PaymentRow } from './tables.ts';

/** Makes the call that a claimed payment is waiting for. @throws what the gateway throws: it is to be tried again */
export async function callGateway(
  gateway: PaymentGateway,
  payment: PaymentRow,
  signal: AbortSignal,
): Promise<PaymentInput> {
  const { id, customerId, amount, currency } = payment;
  const request = { idempotencyKey: id, customerId, amount, currency };
  if (payment.status === 'REFUNDING') {
    await gateway.refund(request, signal);
    return { type: 'refunded' };
  }
  // Also for CANCELLING: an earlier call may have charged the customer, and the same key shows that.
  const answer = await gateway.authorize(request, signal);
  return answer.authorized ? { type: 'authorized' } : { type: 'declined', reason: answer.reason };
}
