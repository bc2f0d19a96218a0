import type { HandlersOf } from '@walpost/kit/consumer/handle-batch';
import { writeEmails } from './write-emails.ts';

/** What the notification service does about order events: every one of them is worth an e-mail. */
export function onOrderEvent(clock: () => Date): HandlersOf<'order-events'> {
  return {
    OrderCreated: (tx, events) => writeEmails(tx, events, clock()),
    OrderConfirmed: (tx, events) => writeEmails(tx, events, clock()),
    OrderCancelled: (tx, events) => writeEmails(tx, events, clock()),
  };
}
