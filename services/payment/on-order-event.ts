import { type HandlersOf, ignore } from '@walpost/kit/consumer/handle-batch';
import type { EncoderOf } from '@walpost/kit/outbox/outbox';
import { cancelPayments } from './cancel-payments.ts';
import { requestPayments } from './request-payments.ts';

/** What the payment service does about order events. The gateway is called later, by the worker. */
export function onOrderEvent(
  encode: EncoderOf<'payment-events'>,
  clock: () => Date,
): HandlersOf<'order-events'> {
  return {
    OrderCreated: (tx, events) => requestPayments(tx, events, clock()),
    OrderCancelled: (tx, events) => cancelPayments(tx, encode, events, clock()),
    // It was authorized before; there is nothing left to do for it.
    OrderConfirmed: ignore,
  };
}
