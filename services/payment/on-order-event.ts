import type { Handlers } from '@walpost/kit/consumer/handle-batch';
import type { EventName } from '@walpost/kit/contract/contract';
import type { OutboxEncoder } from '@walpost/kit/outbox/outbox';
import { cancelPayments } from './cancel-payments.js';
import { requestPayments } from './request-payments.js';

/** A confirmed order was authorized before; there is nothing left to do for it. */
export const ignoredOrderEvents: EventName[] = ['OrderConfirmed'];

/** What the payment service does about order events. The gateway is called later, by the worker. */
export function onOrderEvent(encode: OutboxEncoder, clock: () => Date): Handlers {
  return {
    OrderCreated: (tx, events) => requestPayments(tx, events, clock()),
    OrderCancelled: (tx, events) => cancelPayments(tx, encode, events, clock()),
  };
}
