import type { DomainEvent } from '@walpost/kit/contract/contract';

/**
 * REQUESTED: no call to the gateway was ever made. AUTHORIZING: a call is or may be under way. CANCELLING: the same, and
 * the order was cancelled meanwhile. REFUNDING: charged, and to be given back. The other three are final.
 */
export type PaymentStatus =
  | 'REQUESTED'
  | 'AUTHORIZING'
  | 'CANCELLING'
  | 'AUTHORIZED'
  | 'REFUNDING'
  | 'REFUNDED'
  | 'DECLINED';

export interface Payment {
  id: string;
  orderId: string;
  /** Minor units of the currency. */
  amount: number;
  currency: string;
  status: PaymentStatus;
  reason: string | null;
  /** How many events it has published; the next one is `version + 1`. */
  version: number;
  /** When the gateway is to be called; null when nothing is to be done. */
  nextAttemptAt: Date | null;
}

/** What can happen to a payment after it was requested. */
export type PaymentInput =
  | { type: 'order-cancelled' }
  | { type: 'authorized' }
  | { type: 'declined'; reason: string }
  | { type: 'refunded' };

export type PaymentEvent = DomainEvent<'PaymentAuthorized' | 'PaymentDeclined' | 'PaymentRefunded'>;

/** The payment as it is now, and the event that reports it, if there is one. */
export interface Decided<P extends Payment> {
  payment: P;
  event?: PaymentEvent;
}

/** The gateway's answer cannot be: it contradicts what it said before. Somebody has to look. */
export class PaymentError extends Error {
  readonly code = 'gateway-contradiction';
  readonly retryable = false;
}

/**
 * Decides what an input makes of a payment.
 *
 * A cancel before the first call ends it as DECLINED, 'order cancelled', with PaymentDeclined: so every order gets one
 * first answer from here, and nobody waits for one that never comes. A cancel while a call is under way waits for its
 * answer: only that shows whether there is something to refund. An answer that comes again changes nothing.
 *
 * @throws {PaymentError} the answer contradicts an earlier one
 */
export function decide<P extends Payment>(payment: P, input: PaymentInput, now: Date): Decided<P> {
  switch (input.type) {
    case 'order-cancelled':
      return cancel(payment, now);
    case 'authorized':
      return authorize(payment, now);
    case 'declined':
      return decline(payment, input.reason, now);
    case 'refunded':
      return refund(payment, now);
  }
}

function cancel<P extends Payment>(payment: P, now: Date): Decided<P> {
  switch (payment.status) {
    case 'REQUESTED':
      return declined(payment, 'order cancelled', now);
    case 'AUTHORIZING':
      return { payment: { ...payment, status: 'CANCELLING' } };
    case 'AUTHORIZED':
      return { payment: { ...payment, status: 'REFUNDING', nextAttemptAt: now } };
    case 'CANCELLING':
    case 'REFUNDING':
    case 'REFUNDED':
    case 'DECLINED':
      return { payment };
  }
}

function authorize<P extends Payment>(payment: P, now: Date): Decided<P> {
  const { id: paymentId, orderId, amount, currency, version } = payment;
  const event: PaymentEvent = {
    type: 'PaymentAuthorized',
    data: { orderId, paymentId, amount, currency, authorizedAt: now.getTime() },
  };
  switch (payment.status) {
    case 'AUTHORIZING':
      return {
        payment: { ...payment, status: 'AUTHORIZED', version: version + 1, nextAttemptAt: null },
        event,
      };
    case 'CANCELLING':
      // The money was taken, so the topic says so before it says that it was given back.
      return {
        payment: { ...payment, status: 'REFUNDING', version: version + 1, nextAttemptAt: now },
        event,
      };
    case 'AUTHORIZED':
    case 'REFUNDING':
    case 'REFUNDED':
      return { payment };
    case 'REQUESTED':
    case 'DECLINED':
      throw contradiction(payment, 'authorized');
  }
}

function decline<P extends Payment>(payment: P, reason: string, now: Date): Decided<P> {
  switch (payment.status) {
    case 'AUTHORIZING':
    case 'CANCELLING':
      return declined(payment, reason, now);
    case 'DECLINED':
      return { payment };
    case 'REQUESTED':
    case 'AUTHORIZED':
    case 'REFUNDING':
    case 'REFUNDED':
      throw contradiction(payment, 'declined');
  }
}

function refund<P extends Payment>(payment: P, now: Date): Decided<P> {
  const { id: paymentId, orderId, amount, currency, version } = payment;
  switch (payment.status) {
    case 'REFUNDING':
      return {
        payment: { ...payment, status: 'REFUNDED', version: version + 1, nextAttemptAt: null },
        event: {
          type: 'PaymentRefunded',
          data: { orderId, paymentId, amount, currency, refundedAt: now.getTime() },
        },
      };
    case 'REFUNDED':
      return { payment };
    case 'REQUESTED':
    case 'AUTHORIZING':
    case 'CANCELLING':
    case 'AUTHORIZED':
    case 'DECLINED':
      throw contradiction(payment, 'refunded');
  }
}

function declined<P extends Payment>(payment: P, reason: string, now: Date): Decided<P> {
  const { id: paymentId, orderId, amount, currency, version } = payment;
  return {
    payment: { ...payment, status: 'DECLINED', reason, version: version + 1, nextAttemptAt: null },
    event: {
      type: 'PaymentDeclined',
      data: { orderId, paymentId, amount, currency, reason, declinedAt: now.getTime() },
    },
  };
}

function contradiction({ id, status }: Payment, answer: string): PaymentError {
  return new PaymentError(`payment ${id} is ${status}, and the gateway says it is ${answer}`);
}
